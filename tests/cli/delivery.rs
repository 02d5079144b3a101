//! `git frisk completions`, `git frisk man` and the help.

use crate::sandbox::Sandbox;

#[test]
fn the_help_fits_a_screen() {
    let help = Sandbox::without_repository().frisk(&["--help"]);

    assert_eq!((help.status, &*help.stderr), (0, ""));
    assert!(help.stdout.lines().count() <= 24, "{}", help.stdout);
    for line in help.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
        assert!(!line.contains("\\x"), "{line}");
    }
    for command in ["scan", "staged", "history", "hook", "install", "explain"] {
        assert!(
            help.stdout.contains(&format!("\n  {command} ")),
            "{command}"
        );
    }
}

#[test]
fn every_shell_has_a_completion() {
    let sandbox = Sandbox::without_repository();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = sandbox.frisk(&["completions", shell]);
        assert_eq!((output.status, &*output.stderr), (0, ""), "{shell}");
        for word in ["git-frisk", "install", "max-filesize"] {
            assert!(output.stdout.contains(word), "{shell}: {word}");
        }
    }
    sandbox
        .frisk(&["completions", "csh"])
        .fails_with("possible values");
}

#[test]
fn bash_takes_the_completion() {
    let sandbox = Sandbox::without_repository();
    sandbox.write("frisk.bash", sandbox.frisk(&["completions", "bash"]).stdout);
    for call in [
        "COMP_WORDS=(git-frisk inst); COMP_CWORD=1; _git__frisk git-frisk inst git-frisk",
        // As git's own completion does.
        "COMP_WORDS=(git -C x frisk inst); COMP_CWORD=4; _git_frisk",
    ] {
        let script = format!(". ./frisk.bash; {call}; echo ${{COMPREPLY[@]}}");
        let output = crate::sandbox::run(&mut sandbox.command("bash", "", &["-c", &script]));
        assert_eq!(output.stdout, "install\n", "{output:?}");
    }
}

#[test]
fn the_manual_is_made_of_the_same_definitions() {
    let sandbox = Sandbox::without_repository();
    let page = sandbox.frisk(&["man"]);
    assert_eq!((page.status, &*page.stderr), (0, ""));
    assert!(page.stdout.contains(".TH git-frisk 1"), "{}", page.stdout);

    let all = sandbox.frisk(&["man", "share/man1"]);
    assert_eq!(all.status, 0, "{all:?}");
    let read = |name: &str| std::fs::read_to_string(sandbox.path("share/man1").join(name)).unwrap();
    assert_eq!(read("git-frisk.1"), page.stdout);
    assert!(read("git-frisk-scan.1").contains("max\\-filesize"));
    assert!(read("git-frisk-install.1").contains(".TH git-frisk-install 1"));
}

#[test]
fn a_manual_that_cannot_be_written_is_an_error() {
    let sandbox = Sandbox::without_repository();
    sandbox.write("file", "");
    sandbox.frisk(&["man", "file/man1"]).fails_with("file/man1");
}
