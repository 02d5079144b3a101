//! The scripts that git runs: they find the program and hand over to it.

use std::path::Path;

use crate::cli::install::quote;

/// By this a script is known for one of these.
const MARK: &str = "# Written by `git frisk install`, taken away by `git frisk install --remove`.";
/// Set where the directory of the hooks was made along.
const MADE: &str = "# Its directory was made along.";
/// What a hook that was there before is called now.
const BEFORE: &str = ".before-frisk";

/// The name that a hook is moved to which was there before.
pub(crate) fn before(hook: &str) -> String {
    format!("{hook}{BEFORE}")
}

/// Whether a hook is one of these.
pub(crate) fn is_shim(script: &[u8]) -> bool {
    script
        .split(|&byte| byte == b'\n')
        .take(3)
        .any(|line| line == MARK.as_bytes())
}

/// Whether the directory was made along with a shim.
pub(crate) fn made_directory(script: &[u8]) -> bool {
    script
        .split(|&byte| byte == b'\n')
        .take(4)
        .any(|line| line == MADE.as_bytes())
}

/// The script for a hook. It runs a hook that was there first, with the same arguments and the
/// same standard input, and passes its failure on.
pub(crate) fn script(hook: &str, program: &Path, made: bool) -> Vec<u8> {
    let reads = matches!(hook, "pre-push" | "pre-receive");
    let (keep, feed) = if reads {
        (
            "input=$(cat && echo .) || exit\n",
            "printf %s \"${input%.}\" | ",
        )
    } else {
        ("", "")
    };
    // Both read what git tells, so it is kept, with its line end.
    let hand_over = if reads { feed } else { "exec " };
    let made = if made {
        format!("{MADE}\n")
    } else {
        String::new()
    };
    let program = quote(program.as_os_str());
    let before = before(hook);
    let head = format!("#!/bin/sh\n{MARK}\n{made}");
    let body = format!(
        r#"{keep}case $0 in */*) here=${{0%/*}} ;; *) here=. ;; esac
before=$here/{before}
# Not again where another tool has put itself in between and calls back.
if [ -x "$before" ] && [ "${{GIT_FRISK_BEFORE-}}" != "$PWD:$before" ]; then
  {feed}GIT_FRISK_BEFORE=$PWD:$before "$before" "$@" || exit
fi
if ! {{ [ -f "$frisk" ] && [ -x "$frisk" ]; }} && ! frisk=$(command -v git-frisk); then
  echo "error: git-frisk is gone, so nothing was scanned: install it again, or delete $0" >&2
  exit 2
fi
{hand_over}"$frisk" hook {hook} -- "$@"
"#
    );
    [head.as_bytes(), b"frisk=", &program, b"\n", body.as_bytes()].concat()
}

/// The command for git's configuration; git adds the hook's arguments to it.
pub(crate) fn command(hook: &str, program: &Path) -> Vec<u8> {
    let program = quote(program.as_os_str());
    let gone = "error: git-frisk is gone, so nothing was scanned: install it again, or run: \
                git config --global --remove-section hook.git-frisk-";
    let rest = format!(
        r#"; [ -x "$f" ] || f=$(command -v git-frisk) || {{ echo "{gone}{hook}" >&2; exit 2; }}; "$f" hook {hook} --"#
    );
    [b"f=", &*program, rest.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_known_again() {
        let program = Path::new("/opt/it's here/git-frisk");
        let plain = script("pre-commit", program, false);
        let made = script("pre-push", program, true);
        assert!(is_shim(&plain) && is_shim(&made));
        assert!(!made_directory(&plain) && made_directory(&made));
        assert!(!is_shim(b"#!/bin/sh\nexit 0\n"));
    }
}
