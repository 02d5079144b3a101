//! `git frisk staged`: the index against `HEAD`.

use std::fs;

use data_encoding::HEXLOWER;

use crate::keys;
use crate::sandbox::Output;
use crate::sandbox::Sandbox;
use crate::sandbox::exists;
use crate::sandbox::run;

/// A line of Python that holds a key.
fn line(key: &str) -> String {
    format!("KEY = '{key}'\n")
}

/// A repository whose commits are scanned before they are made.
fn hooked() -> Sandbox {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a = 1\n");
    repo.commit_file("b.py", "b = 1\n");
    repo.hook("pre-commit", "exec \"$FRISK\" hook pre-commit");
    repo
}

/// Fails unless git refused to commit, for the reason that a key was found in `place`.
#[track_caller]
fn refused(repo: &Sandbox, args: &[&str], place: &str) {
    let before = repo.oid("HEAD");
    let output = repo.try_git(args);
    assert_ne!(output.status, 0, "{output:?}");
    let told = [&*output.stdout, &*output.stderr].concat();
    assert!(told.contains(place), "{output:?}");
    assert_eq!(repo.oid("HEAD"), before, "it was committed all the same");
}

#[test]
fn a_key_in_the_first_commit_is_found() {
    let repo = Sandbox::new();
    repo.write("app.py", format!("import os\n{}", line(&keys::project(1))))
        .git(&["add", "app.py"]);

    repo.report(&["staged"]).finds(&["app.py:2"]);
}

#[test]
fn an_index_without_a_key_is_clean() {
    let repo = Sandbox::new();
    repo.frisk(&["staged"]).is_clean();
    repo.write("app.py", "import os\n").git(&["add", "app.py"]);

    repo.frisk(&["staged"]).is_clean();
}

#[test]
fn every_family_is_found() {
    let repo = Sandbox::new();
    for (index, (_, template)) in keys::FAMILIES.iter().enumerate() {
        let key = git_frisk::rule::template::fill(template, 7);
        repo.write(&format!("{index:02}.env"), format!("KEY={key}\n"));
    }
    repo.git(&["add", "."]);

    let report = repo.report(&["staged"]);

    let rules: Vec<&str> = keys::FAMILIES.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(report.each("rule"), rules);
}

#[test]
fn what_is_not_staged_does_not_count() {
    let repo = Sandbox::new();
    repo.commit_file("app.py", "a\n");
    repo.write("app.py", line(&keys::project(1)))
        .write("new.py", line(&keys::project(2)));

    repo.frisk(&["staged"]).is_clean();
}

#[test]
fn what_is_staged_counts_whatever_the_worktree_holds_by_now() {
    let repo = Sandbox::new();
    repo.write("app.py", line(&keys::project(1)))
        .git(&["add", "app.py"])
        .write("app.py", "a\n");

    repo.report(&["staged"]).finds(&["app.py:1"]);
}

#[test]
fn commit_all_takes_what_was_not_added() {
    let repo = hooked();
    repo.write("a.py", line(&keys::project(1)));

    refused(&repo, &["commit", "-a", "-m", "x"], "a.py:1:8");

    repo.write("a.py", "a = 2\n")
        .git(&["commit", "-q", "-a", "-m", "x"]);
}

#[test]
fn commit_only_leaves_the_rest_of_the_index_out() {
    let repo = hooked();
    repo.write("a.py", line(&keys::project(1)))
        .git(&["add", "a.py"])
        .write("b.py", "b = 2\n")
        .git(&["commit", "-q", "--only", "b.py", "-m", "x"])
        .write("b.py", line(&keys::project(2)));

    refused(&repo, &["commit", "-o", "b.py", "-m", "x"], "b.py:1:8");
}

#[test]
fn commit_only_does_not_blame_the_rest_of_the_index() {
    let repo = hooked();
    repo.write("a.py", line(&keys::project(1)))
        .git(&["add", "a.py"])
        .write("b.py", line(&keys::project(2)));

    let output = repo.try_git(&["commit", "b.py", "-m", "x"]);

    assert_ne!(output.status, 0);
    assert!(output.stderr.contains("b.py:1:8") || output.stdout.contains("b.py:1:8"));
    assert!(!output.stderr.contains("a.py:1:8") && !output.stdout.contains("a.py:1:8"));
}

#[test]
fn commit_include_takes_the_index_and_the_path() {
    let repo = hooked();
    repo.write("a.py", line(&keys::project(1)))
        .git(&["add", "a.py"])
        .write("b.py", "b = 2\n");
    refused(&repo, &["commit", "-i", "b.py", "-m", "x"], "a.py:1:8");

    repo.git(&["reset", "-q", "--hard"])
        .write("b.py", line(&keys::project(2)));
    refused(&repo, &["commit", "-i", "b.py", "-m", "x"], "b.py:1:8");
}

#[test]
fn an_amended_commit_is_scanned() {
    let repo = hooked();
    repo.write("b.py", line(&keys::project(1)))
        .git(&["add", "b.py"]);

    refused(&repo, &["commit", "--amend", "--no-edit"], "b.py:1:8");

    repo.write("b.py", "b = 3\n")
        .git(&["commit", "-q", "-a", "--amend", "--no-edit"]);
}

#[test]
fn a_commit_from_a_subdirectory_is_scanned_whole() {
    let repo = hooked();
    repo.write("deep/down/c.py", line(&keys::project(1)))
        .write("a.py", line(&keys::project(2)))
        .git(&["add", "."]);

    repo.report_in("deep/down", &["staged"])
        .finds(&["a.py:1", "deep/down/c.py:1"]);

    let output = run(&mut repo.git_command("deep/down", &["commit", "-m", "x"]));
    assert_ne!(output.status, 0, "{output:?}");
}

#[test]
fn another_directory_can_be_named() {
    let repo = Sandbox::new();
    repo.write("sub/a.py", line(&keys::project(1)))
        .git(&["add", "."]);
    let other = Sandbox::new();
    let named = repo.path("").display().to_string();

    other
        .report(&["-C", &named, "-C", "sub", "staged"])
        .finds(&["sub/a.py:1"]);
    // An explicit directory wins over the environment.
    let variables = [("GIT_DIR", &*other.path(".git").display().to_string())];
    let args = ["-C", &named, "staged", "--format", "short"];
    assert_eq!(other.frisk_with(&variables, &args).status, 1);
    // Without one, the environment is heeded.
    let variables = [("GIT_DIR", &*repo.path(".git").display().to_string())];
    assert_eq!(other.frisk_with(&variables, &["staged"]).status, 1);
}

#[test]
fn a_linked_worktree_has_an_index_of_its_own() {
    let repo = hooked();
    repo.git(&["worktree", "add", "-q", "../linked"])
        .write("../linked/c.py", line(&keys::project(1)))
        .git_in("../linked", &["add", "c.py"]);

    repo.frisk(&["staged"]).is_clean();
    repo.report_in("../linked", &["staged"]).finds(&["c.py:1"]);

    let output = run(&mut repo.git_command("../linked", &["commit", "-m", "x"]));
    assert_ne!(output.status, 0, "{output:?}");
    assert!(
        [&*output.stdout, &*output.stderr]
            .concat()
            .contains("c.py:1:8")
    );
}

#[test]
fn a_submodule_has_an_index_of_its_own() {
    let repo = Sandbox::new();
    repo.git(&["init", "-q", "../library"])
        .write("../library/l.py", "l\n")
        .git_in("../library", &["add", "."])
        .git_in("../library", &["commit", "-q", "-m", "x"])
        .git(&[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            "../library",
            "sub",
        ]);
    repo.frisk(&["staged"]).is_clean();
    repo.commit("with a submodule");
    repo.write("sub/l.py", line(&keys::project(1)))
        .git_in("sub", &["add", "."]);

    repo.frisk(&["staged"]).is_clean();
    repo.report_in("sub", &["staged"]).finds(&["l.py:1"]);
}

#[test]
fn what_a_merge_brings_in_is_found() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.git(&["switch", "-q", "-c", "side"]);
    repo.commit_file("side.py", line(&keys::project(1)));
    repo.git(&["switch", "-q", "main"]);
    repo.commit_file("b.py", "b\n");
    repo.git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);

    repo.report(&["staged"]).finds(&["side.py:1"]);
}

#[test]
fn a_merge_commit_is_scanned_by_its_hook() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.git(&["switch", "-q", "-c", "side"]);
    repo.commit_file("side.py", line(&keys::project(1)));
    repo.git(&["switch", "-q", "main"]);
    repo.hook("pre-merge-commit", "exec \"$FRISK\" hook pre-merge-commit");

    refused(&repo, &["merge", "--no-ff", "side"], "side.py:1:8");
}

#[test]
fn a_resolved_conflict_is_scanned() {
    let repo = conflict();
    repo.write("a.py", line(&keys::project(1)))
        .git(&["add", "a.py"]);

    repo.report(&["staged"]).finds(&["a.py:1"]);
}

#[test]
fn an_unmerged_path_is_named() {
    let repo = conflict();
    repo.write("c.py", line(&keys::project(1)))
        .git(&["add", "c.py"]);

    repo.report(&["staged"])
        .is_incomplete(&["c.py:1"], "a.py is not merged yet");
}

/// A repository in the middle of a merge that left `a.py` unmerged.
fn conflict() -> Sandbox {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.git(&["switch", "-q", "-c", "side"]);
    repo.commit_file("a.py", "b\n");
    repo.git(&["switch", "-q", "main"]);
    repo.commit_file("a.py", "c\n");
    assert_eq!(repo.try_git(&["merge", "side"]).status, 1);
    repo
}

#[test]
fn a_rename_is_clean_and_a_key_written_at_it_is_not() {
    let repo = Sandbox::new();
    let old = format!("{}{}", line(&keys::project(1)), "text\n".repeat(20));
    repo.commit_file("a.py", &old);
    repo.git(&["mv", "a.py", "b.py"]);
    repo.frisk(&["staged"]).is_clean();

    repo.write("b.py", format!("{old}{}", line(&keys::project(2))))
        .git(&["add", "b.py"]);

    let report = repo.report(&["staged"]);
    assert_eq!(report.status, 1);
    assert!(report.each("key_id").contains(&keys::id(&keys::project(2))));
}

#[test]
fn a_renamed_directory_is_clean() {
    let repo = Sandbox::new();
    repo.write("old/a.py", line(&keys::project(1)));
    repo.commit_file("old/b.py", line(&keys::project(2)));
    repo.git(&["mv", "old", "new"]);

    repo.frisk(&["staged"]).is_clean();
}

#[test]
fn a_copy_is_one_more_place() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(&keys::project(1)));
    repo.write("copy.py", line(&keys::project(1)))
        .git(&["add", "copy.py"]);

    repo.report(&["staged"]).finds(&["copy.py:1"]);
}

#[test]
fn the_target_of_a_link_is_content() {
    let repo = Sandbox::new();
    repo.link(&format!("/{}", keys::project(1)), "link")
        .git(&["add", "link"]);

    repo.report(&["staged"]).finds(&["link:1"]);
}

#[test]
fn a_file_that_becomes_a_link_is_scanned_and_one_that_a_link_becomes() {
    let repo = Sandbox::new();
    repo.write("a", "text\n").link("nowhere", "b");
    repo.commit("a file and a link");
    repo.remove("a")
        .remove("b")
        .link(&keys::project(1), "a")
        .write("b", keys::project(2))
        .git(&["add", "."]);

    repo.report(&["staged"]).finds(&["a:1", "b:1"]);
}

#[test]
fn a_key_in_a_file_name_is_found_and_not_shown() {
    let repo = Sandbox::new();
    let key = keys::legacy(1);
    repo.write(&format!("backup/{key}/notes.txt"), "text\n")
        .write(&format!("{key}.txt"), "text\n")
        .git(&["add", "."]);

    let report = repo.report(&["staged"]);

    report.finds(&[
        "name backup/sk-[51 characters hidden]",
        "name sk-[51 characters hidden].txt",
    ]);
    assert_eq!(report.each("key_id"), [keys::id(&key), keys::id(&key)]);
}

#[test]
fn an_edit_of_a_file_with_a_key_in_its_name_is_clean() {
    let repo = Sandbox::new();
    let name = format!("{}.txt", keys::legacy(1));
    repo.commit_file(&name, "text\n");
    repo.write(&name, "other text\n").git(&["add", "."]);

    repo.frisk(&["staged"]).is_clean();
}

#[test]
fn what_takes_a_key_away_is_clean() {
    let repo = Sandbox::new();
    repo.write("removed_line.py", format!("a\n{}", line(&keys::project(1))));
    repo.commit_file("deleted.py", line(&keys::project(2)));
    repo.write("removed_line.py", "a\n")
        .remove("deleted.py")
        .git(&["add", "-A"]);

    repo.frisk(&["staged"]).is_clean();
}

#[test]
fn a_change_of_mode_is_clean() {
    let repo = Sandbox::new();
    repo.commit_file("run.sh", line(&keys::project(1)));
    repo.git(&["update-index", "--chmod=+x", "run.sh"]);

    repo.frisk(&["staged"]).is_clean();
}

#[test]
fn a_commit_of_another_repository_is_clean() {
    let repo = Sandbox::new();
    let commit = repo.commit_file("a.py", "a\n");
    let entry = format!("160000,{commit},sub");
    repo.git(&["update-index", "--add", "--cacheinfo", &entry]);

    repo.frisk(&["staged"]).is_clean();
}

#[test]
fn an_intent_to_add_is_clean() {
    let repo = Sandbox::new();
    repo.write("a.py", line(&keys::project(1)))
        .git(&["add", "-N", "a.py"]);

    repo.frisk(&["staged"]).is_clean();
}

#[test]
fn an_old_key_on_an_untouched_line_is_clean() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(&keys::project(1)));
    repo.write("a.py", format!("import os\n{}", line(&keys::project(1))))
        .git(&["add", "a.py"]);

    repo.frisk(&["staged"]).is_clean();
    repo.report(&["staged", "--all"]).finds(&["a.py:2"]);
}

#[test]
fn a_second_copy_of_an_old_key_is_found() {
    let repo = Sandbox::new();
    let key = line(&keys::project(1));
    repo.commit_file("a.py", &key);
    repo.write("a.py", format!("{key}\n{key}"))
        .git(&["add", "a.py"]);

    repo.report(&["staged"]).finds(&["a.py:3"]);
}

#[test]
fn a_key_in_the_place_of_another_is_found() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(&keys::project(1)));
    repo.write("a.py", line(&keys::project(2)))
        .git(&["add", "a.py"]);

    let report = repo.report(&["staged"]);

    report.finds(&["a.py:1"]);
    assert_eq!(report.each("key_id"), [keys::id(&keys::project(2))]);
}

#[test]
fn all_scans_the_whole_index_and_not_the_worktree() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(&keys::project(1)));
    repo.write("b.py", line(&keys::project(2)))
        .git(&["add", "b.py"])
        .write("c.py", line(&keys::project(3)));

    repo.report(&["staged", "--all"])
        .finds(&["a.py:1", "b.py:1"]);
}

#[test]
fn excluded_paths_are_left_out_and_named() {
    let repo = Sandbox::new();
    repo.write("vendor/a.py", line(&keys::project(1)))
        .write("b.py", "b\n")
        .git(&["add", "."]);

    let report = repo.report(&["staged", "--exclude", "vendor/"]);

    report.is_clean();
    assert_eq!(report.remarks("skipped"), ["vendor/a.py: excluded"]);
    assert!(report.stderr.contains("vendor/a.py"), "{}", report.stderr);
}

#[test]
fn a_repository_with_sha256_ids_is_scanned() {
    let repo = Sandbox::without_repository();
    repo.git(&["init", "-q", "--object-format=sha256"]);
    repo.commit_file("a.py", line(&keys::project(1)));
    repo.write("b.py", line(&keys::project(2)))
        .git(&["add", "."]);

    repo.report(&["staged"]).finds(&["b.py:1"]);
}

#[test]
fn every_form_of_the_index_is_read_or_refused() {
    for setup in [
        &["update-index", "--index-version", "4"][..],
        &["update-index", "--split-index"],
        &["update-index", "--force-untracked-cache"],
    ] {
        let repo = Sandbox::new();
        repo.commit_file("a.py", "a\n");
        repo.write("dir/b.py", line(&keys::project(1)))
            .git(&["add", "."])
            .git(setup)
            .write("dir/c.py", line(&keys::project(2)))
            .git(&["add", "."]);

        let Output { status, stdout, .. } = repo.frisk(&["staged", "--format", "short"]);

        let all_found = status == 1 && stdout.contains("dir/b.py:1") && stdout.contains("dir/c.py");
        assert!(all_found || status == 2, "{setup:?}: {status}: {stdout}");
    }
}

#[test]
fn a_bare_repository_has_nothing_staged() {
    let repo = Sandbox::without_repository();
    repo.git(&["init", "-q", "--bare"]);

    repo.frisk(&["staged"]).fails_with("is bare");
}

#[test]
fn without_a_repository_nothing_can_be_said() {
    let nowhere = Sandbox::without_repository();

    let output = nowhere.frisk(&["staged"]);

    output.fails_with("is not in a git repository");
    output.fails_with(&nowhere.path("").display().to_string().replace("/repo/", ""));
}

#[test]
fn a_damaged_index_is_an_error() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.write("b.py", line(&keys::project(1)))
        .git(&["add", "."]);
    let whole = fs::read(repo.path(".git/index")).unwrap();
    let mut flipped = whole.clone();
    flipped[40] ^= 0xff;
    for damaged in [&whole[..whole.len() / 2], b"", b"DIRC", &flipped] {
        fs::write(repo.path(".git/index"), damaged).unwrap();

        repo.frisk(&["staged"]).fails_with("index");
    }
}

#[test]
fn a_missing_object_is_named_and_the_rest_is_scanned() {
    let repo = Sandbox::new();
    repo.write("a.py", line(&keys::project(1)))
        .write("b.py", line(&keys::project(2)))
        .git(&["add", "."]);
    let blob = repo.oid(":a.py");
    let (directory, file) = blob.split_at(2);
    repo.remove(&format!(".git/objects/{directory}/{file}"));

    let report = repo.report(&["staged"]);

    report.is_incomplete(&["b.py:1"], "a.py: object ");
    assert!(report.stderr.contains(&blob), "{}", report.stderr);
}

#[test]
fn a_damaged_object_is_named() {
    let repo = Sandbox::new();
    repo.write("a.py", line(&keys::project(1)))
        .git(&["add", "."]);
    let blob = repo.oid(":a.py");
    let (directory, file) = blob.split_at(2);
    let path = format!(".git/objects/{directory}/{file}");
    assert!(exists(&repo.path(&path)));
    repo.remove(&path).write(&path, "no object");

    repo.report(&["staged"]).is_incomplete(&[], "a.py: object ");
}

#[test]
fn an_object_with_the_content_of_another_is_named() {
    let repo = Sandbox::new();
    repo.write("a.py", line(&keys::project(1)))
        .write("b.py", "b = 1\n")
        .git(&["add", "."]);
    let path = |name| {
        let oid = repo.oid(name);
        let (directory, file) = oid.split_at(2);
        format!(".git/objects/{directory}/{file}")
    };
    let (hidden, harmless) = (path(":a.py"), path(":b.py"));
    let harmless = fs::read(repo.path(&harmless)).unwrap();
    repo.remove(&hidden).write(&hidden, harmless);

    repo.report(&["staged"]).is_incomplete(&[], "a.py: object ");
    repo.git(&["commit", "--quiet", "--message=All"]);
    repo.report(&["history"])
        .is_incomplete(&[], "a.py: object ");
}

#[test]
fn a_pack_that_takes_one_object_for_another_is_no_clean_scan() {
    let repo = Sandbox::new();
    repo.write("a.py", line(&keys::project(1)))
        .write("b.py", "b = 1\n")
        .git(&["add", "."])
        .git(&["commit", "--quiet", "--message=All"])
        .git(&["repack", "-adq"]);
    let packs = fs::read_dir(repo.path(".git/objects/pack")).unwrap();
    let mut packs = packs.map(|entry| entry.unwrap().path());
    let path = packs.find(|path| path.extension().is_some_and(|e| e == "idx"));
    let path = path.unwrap();
    // The two blobs change places: header, fan-out, names, checksums, offsets.
    let mut index = fs::read(&path).unwrap();
    let count = u32::from_be_bytes(index[8 + 255 * 4..][..4].try_into().unwrap()) as usize;
    let offsets: Vec<usize> = [":a.py", ":b.py"]
        .map(|name| HEXLOWER.decode(repo.oid(name).as_bytes()).unwrap())
        .into_iter()
        .map(|oid| {
            let mut names = index[1032..][..count * 20].chunks(20);
            1032 + count * 24 + 4 * names.position(|name| name == oid).unwrap()
        })
        .collect();
    for byte in 0..4 {
        index.swap(offsets[0] + byte, offsets[1] + byte);
    }
    fs::remove_file(&path).unwrap();
    fs::write(&path, index).unwrap();

    let report = repo.report(&["staged", "--all"]);

    report.is_incomplete(&[], "a.py: object ");
    report.is_incomplete(&[], "b.py: object ");
}

#[test]
fn a_damaged_head_is_an_error() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.write("b.py", "b\n")
        .git(&["add", "."])
        .write(".git/refs/heads/main", "no object id\n");

    assert_eq!(repo.frisk(&["staged"]).status, 2);
}
