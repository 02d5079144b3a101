//! What is fuzzed, for a moment: inputs made of seeds by a generator that begins the same way each
//! time, and every input that failed once. `fuzz/` does it for as long as one likes.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::string_slice, reason = "keys are ASCII")]
#![expect(
    unreachable_pub,
    reason = "the crate in `fuzz/` has the properties too"
)]
#![expect(clippy::print_stderr, reason = "an input that fails is to be kept")]

#[path = "fuzz/properties.rs"]
mod properties;

use std::fs;
use std::panic;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use crate::properties::TARGETS;
use crate::properties::Target;

/// Time for one target, unless `FUZZ_SECONDS` says otherwise; all of them run at once, as far as
/// there are cores.
const TIME: Duration = Duration::from_millis(700);
/// Inputs of one target at the most, unless it does.
const INPUTS: usize = 20_000;
/// Bytes of an input at the most.
const LENGTH: usize = 4096;

/// Steele, Lea and Flood's `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound.max(1) as u64)).unwrap()
    }

    fn byte(&mut self) -> u8 {
        // Small and large numbers and what texts are made of come more often than others.
        const OFTEN: [u8; 16] = *b"\0\x01\x7f\x80\xff \n\"'\\=%&+-9";
        match self.below(3) {
            0 => OFTEN[self.below(OFTEN.len())],
            _ => u8::try_from(self.next() & 0xff).unwrap(),
        }
    }

    /// Something made of one input, and of another.
    fn mutated(&mut self, seed: &[u8], other: &[u8]) -> Vec<u8> {
        let mut input = seed.to_vec();
        for _ in 0..=self.below(5) {
            let at = self.below(input.len() + 1);
            let end = (at + self.below(24)).min(input.len());
            match self.below(7) {
                0 if at < input.len() => input[at] = self.byte(),
                1 if at < input.len() => input[at] ^= 1 << self.below(8),
                2 => drop(input.drain(at..end)),
                3 => {
                    let piece = input[at..end].to_vec();
                    let to = self.below(input.len() + 1);
                    let times = 1 + self.below(8);
                    input.splice(to..to, piece.repeat(times));
                }
                4 => {
                    let from = self.below(other.len() + 1);
                    let until = (from + self.below(64)).min(other.len());
                    input.splice(at..end, other[from..until].iter().copied());
                }
                5 => {
                    let bytes: Vec<u8> = (0..self.below(12)).map(|_| self.byte()).collect();
                    input.splice(at..at, bytes);
                }
                _ => input.truncate(at.max(input.len() / 2)),
            }
        }
        input.truncate(LENGTH);
        input
    }
}

/// Checks an input, and says which it was if that fails.
fn check(target: &Target, input: &[u8], which: &str) {
    let outcome = panic::catch_unwind(|| (target.check)(input));
    if let Err(cause) = outcome {
        eprintln!("{} fails on {which}: {}", target.name, input.escape_ascii());
        panic::resume_unwind(cause);
    }
}

fn run(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    for (which, input) in regressions(name) {
        check(target, &input, &which);
    }
    let seeds = (target.seeds)();
    for (number, seed) in seeds.iter().enumerate() {
        check(target, seed, &format!("seed {number}"));
    }
    let seconds = std::env::var("FUZZ_SECONDS").map(|seconds| seconds.parse().unwrap());
    let (time, inputs) = seconds.map_or((TIME, INPUTS), |seconds| {
        (Duration::from_secs(seconds), usize::MAX)
    });
    let start = Instant::now();
    let mut random = Random(1);
    for number in 0..inputs {
        if start.elapsed() > time {
            eprintln!("{name}: {number} inputs");
            break;
        }
        let [one, other] = [0; 2].map(|_| &seeds[random.below(seeds.len())]);
        let input = if number % 16 == 0 {
            (0..random.below(300)).map(|_| random.byte()).collect()
        } else {
            random.mutated(one, other)
        };
        check(target, &input, &format!("input {number}"));
    }
}

/// The inputs that failed once, by file: bytes as Rust escapes them, broken into lines at will.
fn regressions(name: &str) -> Vec<(String, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions");
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        if file.split('.').next() == Some(name) {
            all.push((file, unescaped(&fs::read_to_string(path).unwrap())));
        }
    }
    all.sort();
    all
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r'));
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match bytes.next().unwrap() {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => {
                let mut digit = || char::from(bytes.next().unwrap()).to_digit(16).unwrap();
                u8::try_from(digit() << 4 | digit()).unwrap()
            }
            other => other,
        });
    }
    out
}

#[test]
fn archives() {
    run("archive");
}

#[test]
fn configurations() {
    run("config");
}

#[test]
fn decoding() {
    run("decode");
}

#[test]
fn deltas() {
    run("delta");
}

#[test]
fn indexes() {
    run("index");
}

#[test]
fn rule_files() {
    run("rules");
}

#[test]
fn scans() {
    run("scan");
}

#[test]
fn every_regression_belongs_to_a_target() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/regressions");
    let all = fs::read_dir(directory).unwrap().count() - 1; // and a README
    let known = TARGETS.map(|target| regressions(target.name).len());
    assert_eq!(known.iter().sum::<usize>(), all);
}

#[test]
fn what_is_escaped_comes_back() {
    let bytes: Vec<u8> = (0..=255).collect();
    assert_eq!(unescaped(&bytes.escape_ascii().to_string()), bytes);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded() {
    // Of this process until now, so of some of the tests above, and of these.
    for target in TARGETS {
        for seed in (target.seeds)() {
            check(&target, &seed, "a seed");
        }
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 1 << 20, "{peak} KiB");
}

/// For `cargo fuzz` to begin with.
#[test]
#[ignore = "writes to fuzz/corpus"]
fn seeds_go_to_the_corpus() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for target in TARGETS {
        let directory = corpus.join(target.name);
        fs::create_dir_all(&directory).unwrap();
        let old = regressions(target.name);
        let inputs = old.into_iter().map(|(_, input)| input);
        for (number, input) in inputs.chain((target.seeds)()).enumerate() {
            fs::write(directory.join(format!("seed-{number}")), input).unwrap();
        }
    }
}

/// For an input of `cargo fuzz` to be kept in `tests/regressions`.
#[test]
#[ignore = "prints the file that FUZZ_INPUT names"]
fn an_input_is_escaped() {
    let file = std::env::var_os("FUZZ_INPUT").unwrap();
    eprintln!("{}", fs::read(file).unwrap().escape_ascii());
}
