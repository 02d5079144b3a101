//! `git frisk history`: what commits bring in.

use std::collections::BTreeSet;

use serde_json::Value;
use sha1::Digest as _;

use crate::keys;
use crate::sandbox::Report;
use crate::sandbox::Sandbox;

/// A line of Python that holds a key.
fn line(key: &str) -> String {
    format!("KEY = '{key}'\n")
}

/// The `keys` entry of a key.
fn entry<'a>(report: &'a Report, key: &str) -> &'a Value {
    let entries = report.json["keys"].as_array().unwrap();
    let id = keys::id(key);
    entries.iter().find(|e| e["key_id"] == *id).unwrap()
}

/// How a commit is called in places.
fn commit_place(oid: &str, line: u64) -> String {
    format!("commit {}:{line}", oid.get(..12).unwrap())
}

#[test]
fn a_repository_without_commits_is_clean() {
    Sandbox::new().frisk(&["history"]).is_clean();
}

#[test]
fn the_first_commit_counts() {
    let repo = Sandbox::new();
    let commit = repo.commit_file("app.py", format!("import os\n{}", line(&keys::project(1))));
    repo.commit_file("b.py", "b\n");

    let report = repo.report(&["history"]);

    report.finds(&["app.py:2"]);
    assert_eq!(report.each("commit"), [commit]);
    assert_eq!(report.each("author"), ["Ada <ada@example.org>"]);
    let date = report.each("date");
    assert!(date[0].starts_with("2023-11-14T22:"), "{date:?}");
}

#[test]
fn a_history_without_keys_is_clean() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.commit_file("a.py", "b\n");

    repo.frisk(&["history"]).is_clean();
}

#[test]
fn a_ref_that_leads_to_what_is_on_no_list_is_followed() {
    for (file, more) in [("ORIG_HEAD", ""), ("FETCH_HEAD", "\t\tbranch 'x' of y")] {
        let repo = Sandbox::new();
        repo.commit_file("a.py", "a\n");
        let commit = repo.commit_file("k.py", line(&keys::project(1)));
        repo.git(&["reset", "-q", "--hard", "HEAD~"]);
        repo.write(&format!(".git/{file}"), format!("{commit}{more}\n"));
        repo.frisk(&["history"]).is_clean();

        repo.write(".git/refs/heads/x", format!("ref: {file}\n"));

        repo.report(&["history"]).finds(&["k.py:1"]);
    }
}

#[test]
fn a_ref_that_leads_nowhere_is_told() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    for target in ["../../x", "refs/../x", "/etc/x", "objects/x", "ROUND"] {
        repo.write(".git/ROUND", "ref: ROUND\n");
        repo.write(".git/refs/heads/x", format!("ref: {target}\n"));
        repo.frisk(&["history"]).fails_with("refs/heads/x");
    }
    repo.write(".git/refs/heads/x", "ref: refs/heads/y\n")
        .write(".git/refs/heads/y", "ref: refs/heads/x\n");
    repo.frisk(&["history"])
        .fails_with("refs/heads/y: leads from name to name");
    repo.remove(".git/refs/heads/y");
    repo.write(".git/refs/heads/x", "ref: refs/heads/not-there\n");
    repo.frisk(&["history"]).is_clean();
}

#[test]
fn what_was_removed_again_is_still_there() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    let commit = repo.commit_file("a.py", line(&keys::project(1)));
    repo.commit_file("a.py", "a\n");

    let report = repo.report(&["history"]);

    report.finds(&["a.py:1"]);
    assert_eq!(report.each("commit"), [commit]);
    repo.report(&["history", "HEAD~2..HEAD"]).finds(&["a.py:1"]);
}

#[test]
fn a_merge_commit_s_own_key_is_found() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.git(&["switch", "-q", "-c", "side"]);
    repo.commit_file("b.py", "b\n");
    repo.git(&["switch", "-q", "main"]);
    let base = repo.commit_file("c.py", "c\n");
    repo.git(&["merge", "-q", "--no-ff", "--no-commit", "side"]);
    let merge = repo.commit_file("b.py", line(&keys::project(1)));
    assert_eq!(
        repo.git_says(&["rev-list", "--count", "--merges", "HEAD"]),
        "1"
    );

    for args in [&["history"][..], &["history", &format!("{base}..HEAD")]] {
        let report = repo.report(args);
        report.finds(&["b.py:1"]);
        assert_eq!(report.each("commit"), [&*merge]);
    }
}

#[test]
fn a_branch_that_head_does_not_reach_counts() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.git(&["switch", "-q", "-c", "side"]);
    repo.commit_file("side.py", line(&keys::project(1)));
    repo.git(&["switch", "-q", "main"]);

    repo.report(&["history"]).finds(&["side.py:1"]);
    repo.git(&["pack-refs", "--all"]).git(&["gc", "-q"]);
    repo.report(&["history"]).finds(&["side.py:1"]);
}

#[test]
fn a_detached_head_counts() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.git(&["switch", "-q", "--detach"]);
    repo.commit_file("b.py", line(&keys::project(1)));

    repo.report(&["history"]).finds(&["b.py:1"]);
}

#[test]
fn the_head_of_another_worktree_counts() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.git(&["worktree", "add", "-q", "--detach", "../linked"])
        .write("../linked/b.py", line(&keys::project(1)))
        .git_in("../linked", &["add", "."])
        .git_in("../linked", &["commit", "-q", "-m", "x"]);

    repo.report(&["history"]).finds(&["b.py:1"]);
    repo.report_in("../linked", &["history"]).finds(&["b.py:1"]);
}

#[test]
fn every_entry_of_the_stash_counts() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    for (seed, name) in [(1, "older"), (2, "old"), (3, "new")] {
        repo.write(&format!("{name}.py"), line(&keys::project(seed)))
            .git(&["add", "."])
            .git(&["stash", "push", "-q"]);
    }

    repo.report(&["history"])
        .finds(&["new.py:1", "old.py:1", "older.py:1"]);
}

#[test]
fn untracked_files_in_the_stash_count() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.write("new.py", line(&keys::project(1)))
        .git(&["stash", "push", "-q", "-u"]);

    repo.report(&["history"]).finds(&["new.py:1"]);
}

#[test]
fn notes_count() {
    let repo = Sandbox::new();
    let commit = repo.commit_file("a.py", "a\n");
    repo.git(&["notes", "add", "-m", &keys::project(1)]);

    let report = repo.report(&["history"]);

    report.finds(&[&format!("{commit}:1")]);
}

#[test]
fn the_message_of_a_tag_counts_and_so_does_a_tag_inside_of_a_tag() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.git(&["tag", "-a", "inner", "-m", &keys::project(1)])
        .git(&["tag", "-a", "outer", "inner", "-m", &keys::project(2)])
        .git(&["tag", "-d", "inner"]);

    let report = repo.report(&["history"]);

    assert_eq!(report.status, 1, "{report:#?}");
    assert_eq!(report.each("place"), ["tag", "tag"]);
    let paths = report.each("path");
    assert!(paths.iter().all(|p| p.contains("refs/tags/outer")));
    assert!(paths.iter().any(|p| p.contains("inner")), "{paths:?}");
    for seed in [1, 2] {
        let id = keys::id(&keys::project(seed));
        assert!(report.each("key_id").contains(&id));
    }
}

#[test]
fn a_commit_s_message_counts() {
    let repo = Sandbox::new();
    let commit = repo.commit(&format!("A change\n\nwith {}\n", keys::project(1)));

    let report = repo.report(&["history"]);

    // tree, author, committer, an empty line, the subject, an empty line.
    report.finds(&[&commit_place(&commit, 7)]);
    assert_eq!(report.each("place"), ["commit"]);
    assert_eq!(report.each("commit"), [commit]);
}

#[test]
fn an_exception_in_a_message_allows_nothing() {
    let repo = Sandbox::new();
    repo.commit(&format!(
        "{} frisk:allow hidden from review",
        keys::project(1)
    ));

    assert_eq!(repo.frisk(&["history"]).status, 1);
}

#[test]
fn an_author_s_name_counts_and_is_not_shown() {
    let repo = Sandbox::new();
    let key = keys::legacy(1);
    let author = format!("{key} <ada@example.org>");
    repo.git(&[
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "x",
        "--author",
        &author,
    ]);

    let report = repo.report(&["history"]);

    assert_eq!(report.status, 1);
    assert_eq!(report.each("key_id"), [keys::id(&key)]);
    assert_eq!(
        report.each("author"),
        ["sk-[51 characters hidden] <ada@example.org>"]
    );
}

#[test]
fn a_ref_s_name_counts_and_is_not_shown() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    let key = keys::legacy(1);
    repo.git(&["branch", &format!("try/{key}")]);

    let report = repo.report(&["history"]);

    report.finds(&["ref refs/heads/try/sk-[51 characters hidden]"]);
    assert_eq!(report.each("key_id"), [keys::id(&key)]);
}

#[test]
fn a_ref_to_a_blob_and_one_to_a_tree_count() {
    let repo = Sandbox::new();
    repo.write("a.py", line(&keys::project(1)));
    repo.write("b/c.py", line(&keys::project(2)));
    let blob = repo.git_says(&["hash-object", "-w", "a.py"]);
    repo.git(&["add", "b"]);
    let tree = repo.git_says(&["write-tree"]);
    repo.git(&["update-ref", "refs/x/blob", &blob])
        .git(&["update-ref", "refs/x/tree", &tree]);

    let report = repo.report(&["history"]);

    report.finds(&["refs/x/blob:1", "refs/x/tree:b/c.py:1"]);
    assert_eq!(report.each("commit"), ["null", "null"]);
}

#[test]
fn a_key_in_a_file_s_name_is_found_and_not_shown() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    let key = keys::legacy(1);
    let commit = repo.commit_file(&format!("{key}/a.txt"), "text\n");
    repo.commit_file(&format!("{key}/b.txt"), "text\n");

    let report = repo.report(&["history"]);

    assert_eq!(report.status, 1);
    assert_eq!(report.each("key_id")[0], keys::id(&key));
    assert_eq!(report.each("commit")[0], commit);
    assert_eq!(report.places(), ["name sk-[51 characters hidden]"]);
}

#[test]
fn a_replaced_commit_hides_nothing() {
    let repo = Sandbox::new();
    let clean = repo.commit_file("a.py", "a\n");
    let commit = repo.commit_file("a.py", line(&keys::project(1)));
    repo.commit_file("a.py", "b\n");
    repo.git(&["replace", &commit, &clean])
        .git(&["replace", "--graft", "HEAD"]);

    repo.report(&["history"]).finds(&["a.py:1"]);
}

#[test]
fn a_commit_graph_hides_nothing() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(&keys::project(1)));
    repo.commit_file("a.py", "a\n");
    repo.git(&["gc", "-q"])
        .git(&["commit-graph", "write", "--reachable"]);

    repo.report(&["history"]).finds(&["a.py:1"]);
}

#[test]
fn a_bare_repository_has_a_history() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(&keys::project(1)));
    repo.git(&["clone", "-q", "--bare", ".", "../bare"]);

    repo.report_in("../bare", &["history"]).finds(&["a.py:1"]);
}

#[test]
fn a_broken_ref_is_named_and_the_rest_is_scanned() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(&keys::project(1)));
    repo.write(".git/refs/heads/broken", "no object id\n")
        .write(
            ".git/refs/heads/gone",
            "1234567890123456789012345678901234567890\n",
        );

    let report = repo.report(&["history"]);

    report.is_incomplete(&["a.py:1"], "refs/heads/broken");
    report.is_incomplete(&["a.py:1"], "refs/heads/gone");
}

#[test]
fn a_missing_blob_is_named_and_the_rest_is_scanned() {
    let repo = Sandbox::new();
    repo.write("a.py", "gone\n");
    repo.commit_file("b.py", line(&keys::project(1)));
    let blob = repo.oid(":a.py");
    let (directory, file) = blob.split_at(2);
    repo.remove(&format!(".git/objects/{directory}/{file}"));

    repo.report(&["history"]).is_incomplete(&["b.py:1"], &blob);
}

#[test]
fn without_a_repository_nothing_can_be_said() {
    Sandbox::without_repository()
        .frisk(&["history"])
        .fails_with("is not in a git repository");
}

#[test]
fn a_range_tells_what_its_commits_bring_in() {
    let repo = Sandbox::new();
    let base = repo.commit_file("old.py", line(&keys::project(1)));
    let first = repo.commit_file("new.py", line(&keys::project(2)));
    repo.commit_file("old.py", format!("import os\n{}", line(&keys::project(1))));

    for range in [&*format!("{base}..HEAD"), "HEAD~2..", "HEAD~2..main"] {
        let report = repo.report(&["history", range]);
        report.finds(&["new.py:1"]);
        assert_eq!(report.each("commit"), [&*first], "{range}");
    }
    repo.frisk(&["history", "HEAD~1..HEAD"]).is_clean();
    repo.frisk(&["history", "HEAD..HEAD"]).is_clean();
}

#[test]
fn a_second_copy_of_an_old_key_in_a_range_is_found() {
    let repo = Sandbox::new();
    let key = line(&keys::project(1));
    repo.commit_file("a.py", &key);
    repo.commit_file("a.py", format!("{key}{key}"));

    repo.report(&["history", "HEAD~1..HEAD"]).finds(&["a.py:2"]);
}

#[test]
fn a_rename_in_a_range_is_clean() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(&keys::project(1)));
    repo.git(&["mv", "a.py", "b.py"]);
    repo.commit("rename");

    repo.frisk(&["history", "HEAD~1..HEAD"]).is_clean();
}

#[test]
fn a_merge_of_the_base_branch_is_clean() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.git(&["switch", "-q", "-c", "topic"]);
    repo.commit_file("topic.py", "topic\n");
    repo.git(&["switch", "-q", "main"]);
    repo.commit_file("theirs.py", line(&keys::project(1)));
    repo.git(&["switch", "-q", "topic"])
        .git(&["merge", "-q", "--no-edit", "main"]);

    repo.frisk(&["history", "main..topic"]).is_clean();
    repo.report(&["history", "topic"]).finds(&["theirs.py:1"]);
}

#[test]
fn a_symmetric_range_takes_both_sides() {
    let repo = Sandbox::new();
    repo.commit_file("base.py", line(&keys::project(1)));
    repo.git(&["switch", "-q", "-c", "topic"]);
    repo.commit_file("topic.py", line(&keys::project(2)));
    repo.git(&["switch", "-q", "main"]);
    repo.commit_file("theirs.py", line(&keys::project(3)));

    repo.report(&["history", "main...topic"])
        .finds(&["theirs.py:1", "topic.py:1"]);
    repo.report(&["history", "topic", "^main"])
        .finds(&["topic.py:1"]);
}

#[test]
fn a_range_in_a_history_without_a_common_root_is_scanned() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.git(&["switch", "-q", "--orphan", "other"]);
    repo.commit_file("b.py", line(&keys::project(1)));

    repo.report(&["history", "main..other"]).finds(&["b.py:1"]);
}

#[test]
fn a_base_that_is_not_known_is_an_error() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(&keys::project(1)));
    let zeros = format!("{}..HEAD", "0".repeat(40));
    let unknown = format!("{}..HEAD", "1".repeat(40));

    for (range, message) in [
        ("origin/main..HEAD", "`origin/main` is not known here"),
        (&*unknown, "is not known here"),
        ("..HEAD", "has an empty side"),
        ("...HEAD", "has an empty side"),
        (&*zeros, "is all zeros"),
        ("^HEAD", "names none to scan"),
        ("", "has an empty side"),
        ("HEAD^{tree}..HEAD", "HEAD^{tree}"),
    ] {
        repo.frisk(&["history", range]).fails_with(message);
    }
}

#[test]
fn a_shallow_clone_is_incomplete() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(&keys::project(1)));
    repo.commit_file("b.py", line(&keys::project(2)));
    repo.commit_file("c.py", line(&keys::project(3)));
    let url = format!("file://{}", repo.path("").canonicalize().unwrap().display());
    repo.git(&["clone", "-q", "--depth=2", &url, "../shallow"]);

    let report = repo.report_in("../shallow", &["history"]);
    assert_eq!(report.status, 2);
    assert!(report.stderr.contains("the clone is shallow"));
    assert!(report.places().contains(&"c.py:1".to_owned()));

    // A range that lies in what is here can be told.
    repo.report_in("../shallow", &["history", "HEAD~1..HEAD"])
        .finds(&["c.py:1"]);
    repo.frisk_in("../shallow", &["history", "HEAD~2..HEAD"])
        .fails_with("shallow");
}

#[test]
fn a_key_is_summed_up() {
    let repo = Sandbox::new();
    let (old, new) = (keys::project(1), keys::project(2));
    let first = repo.commit_file("a.py", line(&old));
    repo.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    repo.write("b.py", line(&old)).git(&["add", "."]).git(&[
        "commit",
        "-q",
        "-m",
        "x",
        "--author",
        "Bob <bob@example.org>",
    ]);
    let last = repo.oid("HEAD");
    repo.remove("a.py").remove("b.py");
    let newest = repo.commit_file("c.py", line(&new));

    let report = repo.report(&["history"]);

    report.finds(&["a.py:1", "b.py:1", "c.py:1"]);
    let ids: Vec<_> = report.json["keys"].as_array().unwrap().iter().collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0]["key_id"], *keys::id(&old), "the oldest comes first");
    let old = entry(&report, &old);
    assert_eq!(old["rule"], "openai-project");
    assert_eq!(old["first"]["path"], "a.py");
    assert_eq!(old["first"]["commit"], *first);
    assert_eq!(old["last"]["path"], "b.py");
    assert_eq!(old["last"]["commit"], *last);
    assert_eq!(old["authors"], 2);
    assert_eq!(old["places"], 2);
    assert_eq!(old["commits"], 2);
    assert_eq!(old["in_head"], false);
    assert_eq!(old["pushed"], true);
    let new = entry(&report, &new);
    assert_eq!(new["first"], new["last"]);
    assert_eq!(new["first"]["commit"], *newest);
    assert_eq!(new["first"]["author"], "Ada <ada@example.org>");
    for count in ["authors", "places", "commits"] {
        assert_eq!(new[count], 1, "{count}");
    }
    assert_eq!(new["in_head"], true);
    assert_eq!(new["pushed"], false);
}

#[test]
fn a_key_that_the_range_does_not_touch_is_told_to_be_in_head() {
    let repo = Sandbox::new();
    let key = keys::project(1);
    repo.commit_file("a.py", "a\n");
    repo.commit_file("a.py", line(&key));
    repo.commit_file("a.py", format!("import os\n{}", line(&key)));

    let report = repo.report(&["history", "HEAD~2..HEAD~1"]);

    report.finds(&["a.py:1"]);
    assert_eq!(entry(&report, &key)["in_head"], true);
}

#[test]
fn excluded_paths_are_left_out_of_history_too() {
    let repo = Sandbox::new();
    repo.write("vendor/a.py", line(&keys::project(1)))
        // The same blob at a path that is not left out.
        .write("vendor/b.py", line(&keys::project(2)));
    repo.commit_file("b.py", line(&keys::project(2)));

    let report = repo.report(&["history", "--exclude", "vendor/"]);

    report.finds(&["b.py:1"]);
    assert_eq!(
        report.remarks("skipped"),
        ["vendor/a.py: excluded", "vendor/b.py: excluded"]
    );
}

#[test]
fn what_moves_out_of_an_excluded_path_comes_in() {
    let repo = Sandbox::new();
    repo.commit_file("vendor/a.py", line(&keys::project(1)));
    repo.git(&["mv", "vendor/a.py", "b.py"]);
    repo.git(&["commit", "-qm", "move"]);

    let report = repo.report(&["history", "--exclude", "vendor/"]);

    report.finds(&["b.py:1"]);
}

/// A history in which files come, change, go and come back, the same content at several paths, files
/// in place of directories and the other way round, in branches that are merged; as `git fast-import`
/// reads it.
fn random_history(seed: u64) -> String {
    const NAMES: [&str; 7] = ["a", "b", "c.py", "c", "d", "e-f", "e"];
    const COMMITS: u64 = 120;
    let mut state = seed;
    let mut random = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    let mut stream = Vec::new();
    for blob in 0..12 {
        // Half of them hold a key, one of them two.
        let lines: String = match blob {
            0..6 => "a line that holds nothing\n".repeat(blob + 1),
            6 => line(&keys::project(6)) + &line(&keys::project(7)),
            _ => "import os\n".repeat(blob) + &line(&keys::project(blob as u64)),
        };
        let mark = blob + 1;
        let length = lines.len();
        stream.push(format!("blob\nmark :{mark}\ndata {length}\n{lines}\n"));
    }
    for commit in 0..COMMITS {
        let (mark, branch) = (1000 + commit, random(3));
        let date = 1_700_000_000 + 60 * commit;
        let committer = format!("Ada <ada@example.org> {date} +0000");
        stream.push(format!("commit refs/heads/b{branch}\nmark :{mark}\n"));
        stream.push(format!("committer {committer}\ndata 1\nx\n"));
        if commit > 0 {
            let parent = 1000 + random(commit).max(commit.saturating_sub(9));
            stream.push(format!("from :{parent}\n"));
            if random(5) == 0 {
                let parent = 1000 + random(commit);
                stream.push(format!("merge :{parent}\n"));
            }
        }
        for _ in 0..=random(4) {
            let depth = 1 + random(4);
            let mut path: Vec<String> = (0..depth)
                .map(|_| NAMES[usize::try_from(random(7)).unwrap()].to_owned())
                .collect();
            if random(30) == 0 {
                let at = usize::try_from(random(depth)).unwrap();
                path[at] = keys::legacy(100 + random(3));
            }
            let path = path.join("/");
            stream.push(match random(3) {
                0 => format!("D {path}\n"),
                _ => format!("M 100644 :{} {path}\n", 1 + random(12)),
            });
        }
        stream.push("\n".to_owned());
    }
    stream.concat()
}

#[test]
fn what_trees_were_made_from_changes_nothing() {
    // By paths every tree is read as it is; without, as what it has more or less than others.
    let by_path = ["history", "--exclude", "no/such/path"];
    let what = |report: &Report| {
        let what = ["findings", "keys", "errors"].map(|part| report.json[part].clone());
        (report.status, what)
    };
    for seed in 0..6 {
        let repo = Sandbox::new();
        repo.git_fed(
            random_history(seed).as_bytes(),
            &[
                "-c",
                "fastimport.unpackLimit=100000",
                "fast-import",
                "--quiet",
            ],
        );
        let loose = repo.report(&["history"]);
        assert!(loose.json["findings"].as_array().unwrap().len() > 15);
        assert_eq!(what(&loose), what(&repo.report(&by_path)), "loose, {seed}");
        // Deep chains; then also objects that nothing leads to, and several packs.
        repo.git(&["repack", "-adfq", "--depth=60", "--window=60"]);
        assert_eq!(what(&loose), what(&repo.report(&["history"])), "{seed}");
        repo.git(&["branch", "-D", "b1"]);
        repo.git(&["-c", "repack.writeBitmaps=false", "repack", "-fq"]);
        let packed = repo.report(&["history"]);
        assert_eq!(what(&packed), what(&repo.report(&by_path)), "some, {seed}");
    }
}

#[test]
fn many_names_that_hold_keys_are_each_followed_once() {
    // As each tree has the names of all before, following them from every tree that has them would
    // take hours.
    const NAMES: u64 = 250;
    let repo = Sandbox::new();
    let mut stream = vec!["blob\nmark :1\ndata 0\n\n".to_owned()];
    for commit in 0..NAMES {
        let committer = format!("Ada <ada@example.org> {} +0000", 1_700_000_000 + commit);
        let name = keys::legacy(100 + commit);
        stream.push("commit refs/heads/main\n".to_owned());
        stream.push(format!("committer {committer}\ndata 1\nx\n"));
        stream.push(format!("M 100644 :1 {commit:03}-{name}\n\n"));
    }
    let stream = stream.concat();
    repo.git_fed(stream.as_bytes(), &["fast-import", "--quiet"]);
    repo.git(&["repack", "-adfq", "--depth=400", "--window=20"]);
    let report = repo.report(&["history"]);
    assert_eq!(report.status, 1);
    let findings = report.json["findings"].as_array().unwrap();
    let commits: BTreeSet<&str> = findings
        .iter()
        .filter_map(|finding| finding["commit"].as_str())
        .collect();
    assert_eq!([findings.len(), commits.len()], [250, 250]);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let repo = Sandbox::new();
    for commit in 0..40 {
        repo.commit_file(
            &format!("{}.py", commit % 9),
            line(&keys::project(commit % 13)),
        );
    }
    let args = ["history", "--format", "short", "-j"];

    let one = repo.frisk(&[&args[..], &["1"]].concat());

    assert_eq!(one.status, 1);
    for threads in ["2", "4"] {
        let many = repo.frisk(&[&args[..], &[threads]].concat());
        assert_eq!(many.stdout, one.stdout, "{threads} threads");
    }
}

#[test]
fn reflogs_and_unreachable_objects_count_when_asked_for() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    let amended = repo.commit_file("a.py", line(&keys::project(1)));
    repo.git(&["reset", "-q", "--hard", "HEAD~1"]);
    repo.write("lost.py", line(&keys::project(2)));
    let blob = repo.git_says(&["hash-object", "-w", "lost.py"]);
    let message = format!("x {}", keys::project(3));
    let lost = repo.git_says(&["commit-tree", "-m", &message, "HEAD^{tree}"]);
    repo.remove("lost.py");

    repo.frisk(&["history"]).is_clean();
    let report = repo.report(&["history", "--reflog"]);
    report.finds(&["a.py:1"]);
    assert_eq!(report.each("commit"), [amended]);
    repo.report(&["history", "--reflog", "--unreachable"])
        .finds(&[
            "a.py:1",
            &format!("unreachable blob {}:1", blob.get(..12).unwrap()),
            &format!("unreachable object {}:5", lost.get(..12).unwrap()),
        ]);
    assert_eq!(repo.report(&["history", "--unreachable"]).status, 1);
    repo.frisk(&["history", "--reflog", "HEAD~1..HEAD"])
        .fails_with("cannot be used with");
}

#[test]
fn revisions_can_be_left_out() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(&keys::project(1)));
    repo.git(&["branch", "old"]);
    repo.commit_file("b.py", line(&keys::project(2)));
    repo.git(&["branch", "middle"]);
    repo.commit_file("c.py", line(&keys::project(3)));

    repo.report(&["history", "--not", "old"])
        .finds(&["b.py:1", "c.py:1"]);
    repo.report(&["history", "main", "--not", "old", "middle"])
        .finds(&["c.py:1"]);
    // As in git, what one of them leaves out none brings in.
    repo.report(&["history", "old..middle", "middle..main"])
        .finds(&["c.py:1"]);
    assert_eq!(repo.frisk(&["history", "--not", "nowhere"]).status, 2);
}

#[test]
fn authors_are_told_as_the_mailmap_has_them() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", line(&keys::project(1)));
    repo.commit_file(
        ".mailmap",
        "Ada Lovelace <lovelace@example.org> <ada@example.org>\n",
    );

    let report = repo.report(&["history"]);

    assert_eq!(
        report.each("author"),
        ["Ada Lovelace <lovelace@example.org>"]
    );
}

/// A repository with keys that came in in many ways; gives those that were once in a file, each with
/// the blob that first held it.
fn storied(repo: &Sandbox) -> Vec<(String, String)> {
    let mut planted = Vec::new();
    let mut plant = |path: &str, seed: u64| {
        let key = keys::project(seed);
        repo.write(path, format!("{seed}\n{}", line(&key)));
        repo.git(&["add", path]);
        planted.push((key, repo.git_says(&["hash-object", path])));
    };
    for seed in 0..40 {
        repo.write("steady/long/way/down.txt", format!("{seed}\n").repeat(50));
        repo.git(&["add", "."]);
        match seed % 8 {
            0 => plant(&format!("a/{seed}/b/c.py"), seed),
            1 => {
                repo.git(&["rm", "-q", "--cached", "-r", "a"]);
            }
            2 => {
                repo.git(&["switch", "-q", "-c", &format!("side{seed}")]);
                plant("side.py", seed);
                repo.commit("side");
                repo.git(&["switch", "-q", "main"]);
                repo.git(&[
                    "merge",
                    "-q",
                    "--no-ff",
                    "--no-commit",
                    &format!("side{seed}"),
                ]);
                plant("evil.py", 100 + seed);
            }
            3 => plant("side.py", seed),
            4 => {
                repo.git(&["rm", "-q", "--ignore-unmatch", "evil.py"]);
            }
            _ => {}
        }
        repo.commit(&format!("commit {seed}"));
    }
    planted
}

#[test]
fn commits_are_those_that_git_names_and_packs_and_threads_change_nothing() {
    let repo = Sandbox::new();
    let planted = storied(&repo);
    assert!(planted.len() > 15);

    let loose = repo.report(&["history", "-j1"]);
    assert_eq!(loose.json["errors"], serde_json::json!([]));
    for (key, blob) in &planted {
        let object = format!("--find-object={blob}");
        let log = repo.git_says(&["log", "--all", "-m", "--reverse", "--format=%H", &object]);
        let first = log.lines().next().unwrap();
        assert_eq!(entry(&loose, key)["first"]["commit"], first);
    }

    let sorted = |report: &Report| {
        let mut json = report.json.clone();
        json["stats"]["seconds"] = Value::Null;
        json
    };
    let expected = sorted(&loose);
    repo.git(&["repack", "-q", "-adf", "--depth=250", "--window=50"]);
    for threads in ["-j1", "-j2", "-j8"] {
        assert_eq!(sorted(&repo.report(&["history", threads])), expected);
    }
    // The other way, which reads the trees of each commit.
    let other = repo.report(&["history", "--exclude", "nothing"]);
    for part in ["findings", "keys", "errors", "skipped"] {
        assert_eq!(other.json[part], expected[part], "{part}");
    }
}

/// Versions of one file, which git stores as changes of each other: keys come and go, plain and as
/// base64, and half of one is there before or after the whole.
#[test]
fn what_a_change_brings_is_found_in_packs_too() {
    let repo = Sandbox::new();
    let text = |n: usize| format!("value_{n} = compute({n}, 'some text')\n");
    let mut lines: Vec<String> = (0..300).map(text).collect();
    let mut planted = Vec::new();
    for seed in 0..24 {
        let key = keys::project(seed);
        let encoded = data_encoding::BASE64.encode(line(&key).as_bytes());
        let whole = match seed % 3 {
            0 => line(&key),
            1 => encoded,
            _ => encoded
                .as_bytes()
                .chunks(64)
                .fold(String::new(), |all, line| {
                    all + std::str::from_utf8(line).unwrap() + "\n"
                }),
        };
        let number = usize::try_from(seed).unwrap();
        let (left, right) = whole.split_at(whole.len() * (number % 7 + 1) / 8);
        let half = if seed % 2 == 0 { left } else { right };
        for written in [half, &whole, half, ""] {
            lines[number * 37 % 290] = format!("x = {written}\n");
            repo.commit_file("app.py", lines.concat());
        }
        planted.push(key);
    }
    // This reads every blob as it is.
    let expected = repo.report(&["history", "--exclude", "nothing"]);
    for key in &planted {
        assert_eq!(entry(&expected, key)["rule"], "openai-project");
    }

    for depth in [0, 50, 250] {
        repo.git(&["repack", "-q", "-adf", &format!("--depth={depth}")]);
        let report = repo.report(&["history"]);
        for part in ["findings", "keys", "errors", "skipped"] {
            assert_eq!(
                report.json[part], expected.json[part],
                "{part}, depth {depth}"
            );
        }
    }
}

#[test]
fn a_missing_blob_is_named_with_its_path_if_a_commit_has_it() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.commit_file("dir/b.py", "b\n");
    let missing = repo.git_says(&["rev-parse", "HEAD:dir/b.py"]);
    let (shard, file) = missing.split_at(2);
    std::fs::remove_file(repo.path(&format!(".git/objects/{shard}/{file}"))).unwrap();

    repo.report(&["history"]).is_incomplete(&[], "dir/b.py");

    // What nothing leads to any more is not missed.
    repo.git(&["reset", "-q", "--soft", "HEAD~1"])
        .git(&["rm", "-q", "--cached", "dir/b.py"]);
    repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    repo.frisk(&["history"]).is_clean();
}

/// Ranges as `git rev-list` counts them, in a history with merges and with dates that lie.
#[test]
fn the_commits_of_a_range_are_those_that_git_names() {
    let repo = Sandbox::new();
    let mut commits = Vec::new();
    for number in 0_i64..60 {
        if number % 7 == 3 {
            let back = commits.len() - 3;
            let from: &String = &commits[back];
            repo.git(&["switch", "-q", "-c", &format!("b{number}"), from]);
        }
        if number % 7 == 6 {
            repo.git(&["merge", "-q", "-m", "merge", "main"]);
            repo.git(&["branch", "-qf", "main", "HEAD"])
                .git(&["switch", "-q", "main"]);
        }
        repo.write(
            &format!("{number}.py"),
            line(&keys::project(number.unsigned_abs())),
        );
        repo.git(&["add", "."]);
        // Within a day: farther out it may be more commits, and never less.
        let date = 1_700_000_000 + number * 3600 + (number * 7919 % 17 - 8) * 4000;
        let date = format!("{date} +0000");
        let mut commit = repo.git_command("", &["commit", "-q", "-m", "x"]);
        commit
            .env("GIT_COMMITTER_DATE", &date)
            .env("GIT_AUTHOR_DATE", &date);
        assert!(commit.status().unwrap().success());
        commits.push(repo.oid("HEAD"));
    }
    for (base, tip) in [
        (10, 50),
        (0, 59),
        (30, 31),
        (58, 59),
        (40, 20),
        (17, 17),
        (33, 52),
    ] {
        let range = format!("{}..{}", commits[base], commits[tip]);
        let listed = repo.git_says(&["rev-list", &range]);
        let expected: BTreeSet<&str> = listed.lines().collect();
        let report = repo.report(&["history", &range]);
        let found = report.each("commit");
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        let merges = repo.git_says(&["rev-list", "--merges", &range]);
        let merges: BTreeSet<&str> = merges.lines().collect();
        assert!(found.is_subset(&expected), "{range}");
        // A merge brings in nothing of its own.
        assert!(
            expected
                .difference(&found)
                .all(|commit| merges.contains(commit)),
            "{range}"
        );
    }
}

#[test]
fn a_name_with_any_byte_in_it_is_looked_at() {
    let repo = Sandbox::new();
    let key = keys::legacy(7);
    let commit = repo.commit_file(&format!("a\u{2}{key}\u{2}b.txt"), "text\n");

    for arguments in [&["history"][..], &["history", "--exclude", "nothing"]] {
        let report = repo.report(arguments);
        assert_eq!(report.status, 1, "{arguments:?}");
        assert_eq!(report.each("key_id"), [keys::id(&key)]);
        assert_eq!(report.each("commit"), [commit.as_str()]);
    }
}

#[test]
fn a_commit_whose_packed_bytes_are_not_as_recorded_is_not_passed_by() {
    let repo = Sandbox::new();
    repo.commit_file("a.py", "a\n");
    repo.write("b.py", "b\n").git(&["add", "."]);
    let commit = repo.commit(&format!("x {}", keys::project(1)));
    repo.git(&["repack", "-q", "-adf"]);
    assert_eq!(repo.report(&["history"]).status, 1);

    // What the index has of the commit's bytes is another number: git reads it all the same.
    let pack = std::fs::read_dir(repo.path(".git/objects/pack")).unwrap();
    let mut paths = pack.map(|entry| entry.unwrap().path());
    let index = paths
        .find(|path| path.extension().is_some_and(|e| e == "idx"))
        .unwrap();
    let mut bytes = std::fs::read(&index).unwrap();
    let count = usize::try_from(u32::from_be_bytes(bytes[1028..1032].try_into().unwrap())).unwrap();
    let table = 1032;
    let raw: Vec<u8> = (0..20)
        .map(|at| u8::from_str_radix(commit.get(2 * at..2 * at + 2).unwrap(), 16).unwrap())
        .collect();
    let position = (0..count)
        .find(|at| bytes[table + 20 * at..table + 20 * at + 20] == raw[..])
        .unwrap();
    bytes[table + 20 * count + 4 * position] ^= 1;
    let end = bytes.len() - 20;
    let sum = sha1::Sha1::digest(&bytes[..end]);
    bytes[end..].copy_from_slice(&sum);
    std::fs::remove_file(&index).unwrap();
    std::fs::write(&index, bytes).unwrap();
    repo.git(&["cat-file", "-p", &commit]);

    let report = repo.report(&["history"]);

    assert_eq!(report.status, 2);
    let named = format!("commit {}", commit.get(..12).unwrap());
    let errors = report.json["errors"].as_array().unwrap();
    assert!(
        errors.iter().any(|error| error["path"] == *named),
        "{errors:?}"
    );
}
