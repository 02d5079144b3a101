//! Between files and inputs: `corpus seeds` writes the seeds of each target to `corpus/TARGET`,
//! `corpus escape FILE` prints an input as the files in `tests/regressions` have it.

use std::fs;
use std::path::Path;

use git_frisk_fuzz::properties::TARGETS;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["seeds"] => {
            for target in TARGETS {
                let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join("corpus")
                    .join(target.name);
                fs::create_dir_all(&directory).unwrap();
                for (number, seed) in (target.seeds)().iter().enumerate() {
                    fs::write(directory.join(format!("seed-{number}")), seed).unwrap();
                }
            }
        }
        ["escape", file] => println!("{}", fs::read(file).unwrap().escape_ascii()),
        _ => eprintln!("corpus seeds | corpus escape FILE"),
    }
}
