//! How fast the matcher is, with all its decoding: on text without a key, of the kinds that there is
//! most of, and on text full of them.

use std::hint::black_box;

use criterion::Criterion;
use criterion::Throughput;
use criterion::criterion_group;
use criterion::criterion_main;
use data_encoding::BASE64;
use git_frisk::matcher::Matcher;
use git_frisk::rule::RuleSet;
use git_frisk::rule::template::fill;

/// Bytes of each text.
const SIZE: usize = 4 << 20;

/// Lines as they stand in source code; the last ones hold what keys begin with.
const LINES: [&str; 12] = [
    "use std::collections::BTreeMap;\n",
    "    let {lower:9} = self.{lower:6}.iter().map(|item| item.{lower:5}()).collect();\n",
    "\n",
    "    // {lower:5} {lower:3} the {lower:8} {lower:4} of {lower:9}, see {lower:7}\n",
    "    if {lower:6} > 0x{hex:8} { return Err(Error::{alnum:7}); }\n",
    "}\n",
    "  \"integrity\": \"sha512-{alnum:86}==\",\n",
    "    def {lower:7}(self, {lower:4}: int) -> None:\n",
    "commit {hex:40}\n",
    "<div class=\"task-{lower:6} desk-{lower:5}\">{lower:12}</div>\n",
    "    client = OpenAI(api_key=os.environ[\"OPENAI_API_KEY\"])  # sk-...\n",
    "OPENAI_API_KEY=sk-proj-your-key-here\n",
];

/// Source code, the same at each run.
fn source_code() -> Vec<u8> {
    let lines = (0_u64..).flat_map(|seed| {
        let line = usize::try_from(seed * 7 % 12).unwrap_or(0);
        fill(LINES[line], seed).into_bytes()
    });
    lines.take(SIZE).collect()
}

/// A key in each line.
fn many_keys() -> Vec<u8> {
    let lines = (0_u64..).flat_map(|seed| {
        let template = match seed % 3 {
            0 => "KEY_{lower:4}='sk-proj-{base64url:74}T3BlbkFJ{base64url:74}'\n",
            1 => "  key: sk-{alnum:20}T3BlbkFJ{alnum:20}\n",
            _ => "export {lower:5}=sk-svcacct-{base64url:58}T3BlbkFJ{base64url:58}\n",
        };
        fill(template, seed).into_bytes()
    });
    lines.take(SIZE).collect()
}

/// One prefix after the other, and now and then a marker: what makes a careless pattern slow.
fn prefixes() -> Vec<u8> {
    let pieces = (0_u64..).flat_map(|seed| {
        let template = if seed % 50 == 0 {
            "T3BlbkFJ"
        } else {
            "sk-proj-sk-{alnum:3}-"
        };
        fill(template, seed).into_bytes()
    });
    pieces.take(SIZE).collect()
}

/// Source code with nothing in it that any keyword or needle finds.
fn clean_source() -> Vec<u8> {
    let lines = (0_u64..).flat_map(|seed| {
        let line = usize::try_from(seed * 5 % 6).unwrap_or(0);
        fill(LINES[line], seed).into_bytes()
    });
    lines.take(SIZE).collect()
}

/// A lock file: names, addresses and a hash on every other line, in base64 and in hex.
fn lock_file() -> Vec<u8> {
    let entries = (0_u64..).flat_map(|seed| {
        let template = if seed % 2 == 0 {
            "    \"node_modules/{lower:9}\": {\n      \"version\": \"{lower:1}.{lower:1}.0\",\n      \"resolved\": \"https://registry.example/{lower:9}/-/{lower:9}.tgz\",\n      \"integrity\": \"sha512-{alnum:86}==\"\n    },\n"
        } else {
            "[[package]]\nname = \"{lower:8}\"\nsource = \"registry+https://registry.example/index\"\nchecksum = \"{hex:64}\"\n\n"
        };
        fill(template, seed).into_bytes()
    });
    entries.take(SIZE).collect()
}

/// Base64 and little else: wrapped certificates, long lines of images, encoded text.
fn base64_heavy() -> Vec<u8> {
    let pieces = (0_u64..).flat_map(|seed| match seed % 3 {
        0 => fill("-----BEGIN CERTIFICATE-----\n", seed)
            .into_bytes()
            .into_iter()
            .chain((0..20).flat_map(|line| fill("{alnum:64}\n", seed * 31 + line).into_bytes()))
            .collect(),
        1 => fill("url(data:image/png;base64,{alnum:4000}==)\n", seed).into_bytes(),
        _ => {
            let text = fill("{lower:5}: {lower:9}\n", seed).repeat(60);
            format!("  data: {}\n", BASE64.encode(text.as_bytes())).into_bytes()
        }
    });
    pieces.take(SIZE).collect()
}

fn matcher(criterion: &mut Criterion) {
    let matcher = Matcher::new(RuleSet::built_in()).expect("the built-in rules have few keywords");
    let mut group = criterion.benchmark_group("matcher");
    group.sample_size(20);
    for (name, text) in [
        ("clean source", clean_source()),
        ("source code", source_code()),
        ("lock file", lock_file()),
        ("base64", base64_heavy()),
        ("many keys", many_keys()),
        ("prefixes", prefixes()),
    ] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let found = matcher.find(black_box(&text));
                found.expect("the built-in patterns compile")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, matcher);
criterion_main!(benches);
