//! How fast a tree of files is scanned: listing, reading and searching together.

use std::fs;
use std::io;
use std::path::Path;

use criterion::Criterion;
use criterion::Throughput;
use criterion::criterion_group;
use criterion::criterion_main;
use git_frisk::matcher::Matcher;
use git_frisk::policy::exclude::Anchored;
use git_frisk::policy::exclude::Exclude;
use git_frisk::report::Report;
use git_frisk::rule::RuleSet;
use git_frisk::rule::template::fill;
use git_frisk::scan;
use git_frisk::scan::Cancel;
use git_frisk::scan::Scan;
use git_frisk::scan::Settings;
use git_frisk::source::worktree::Options;

const FILES: u64 = 2000;

/// Writes a tree of source files, the same at each run, and gives the number of its bytes.
fn write_tree(top: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for file in 0..FILES {
        let directory = top.join(format!("{}/{}", file % 20, file % 7));
        fs::create_dir_all(&directory)?;
        let lines = 20 + file * 31 % 300;
        let text: String = (0..lines)
            .map(|line| {
                let template = "    let {lower:8} = {lower:6}({lower:12}, 0x{hex:6});\n";
                fill(template, file << 32 | line)
            })
            .collect();
        bytes += text.len() as u64;
        fs::write(directory.join(format!("{file}.rs")), text)?;
    }
    Ok(bytes)
}

fn exclude_nothing() -> Exclude {
    Exclude::new(&[]).expect("no pattern is a bad one")
}

fn scan_tree(matcher: &Matcher, top: &Path, threads: usize) -> Report {
    let settings = Settings {
        exceptions: true,
        foreign_markers: false,
        strict: false,
        explain: false,
        threads,
        exclude: exclude_nothing(),
        cancel: Cancel::default(),
    };
    let options = Options {
        no_ignore: false,
        max_filesize: None,
        configured: Anchored::nothing(),
        exclude: exclude_nothing(),
    };
    let scan = Scan::new(matcher, &settings);
    scan::worktree::scan(&scan, &[top.to_owned()], &options);
    scan.finish()
}

fn worktree(criterion: &mut Criterion) {
    let matcher = Matcher::new(RuleSet::built_in()).expect("the built-in rules have few keywords");
    let top = tempfile::tempdir().expect("a temporary directory can be made");
    let bytes = write_tree(top.path()).expect("a temporary directory can be written to");
    let mut group = criterion.benchmark_group("worktree");
    group.sample_size(20).throughput(Throughput::Bytes(bytes));
    for (name, threads) in [("one thread", 1), ("all threads", 0)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let report = scan_tree(&matcher, top.path(), threads);
                assert_eq!(report.stats.items, FILES);
                report
            });
        });
    }
    group.finish();
}

criterion_group!(benches, worktree);
criterion_main!(benches);
