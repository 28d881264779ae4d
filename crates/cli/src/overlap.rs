//! No output may take the place of an input or of another output. Compared is where paths lead, not how they are
//! written. Devices and pipes have no contents to lose: they may be named twice.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use crate::errors::Problem;

/// Links in a row that are followed, as the kernel has it.
const MAX_LINKS: u32 = 40;
/// What CSV file names end in.
const CSV_FILES: [&str; 4] = ["_stats.csv", "_stats_history.csv", "_failures.csv", "_exceptions.csv"];
/// What SQLite keeps beside a record.
const BESIDE_RECORD: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// The files of a command.
#[derive(Debug, Default)]
pub(crate) struct Files(Vec<File>);

#[derive(Debug)]
struct File {
    /// What it is to the user, e.g. `the suite` or `--html`.
    what: String,
    path: PathBuf,
    written: bool,
    place: Place,
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// Device and number of a file that is there.
    Inode(u64, u64),
    /// The absolute path of one that is not.
    Nothing(PathBuf),
    /// Not a regular file: cannot be in anybody's way.
    Special,
}

impl Files {
    /// A file that is read.
    pub(crate) fn input(&mut self, what: &str, path: &Path) {
        self.add(what, path, false);
    }

    /// A file that is written.
    pub(crate) fn output(&mut self, what: &str, path: &Path) {
        self.add(what, path, true);
    }

    /// The CSV files with this prefix.
    pub(crate) fn csv(&mut self, prefix: &str) {
        for ending in CSV_FILES {
            self.output("--csv", Path::new(&format!("{prefix}{ending}")));
        }
    }

    /// A record and what belongs to it.
    pub(crate) fn record(&mut self, what: &str, path: &Path, written: bool) {
        for ending in BESIDE_RECORD {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            self.add(what, Path::new(&name), written);
        }
    }

    fn add(&mut self, what: &str, path: &Path, written: bool) {
        let place = place(path);
        self.0.push(File { what: what.to_owned(), path: path.to_owned(), written, place });
    }

    /// Is every output a file of its own?
    pub(crate) fn distinct(&self) -> Result<(), Problem> {
        // Elsewhere it stands for stdout; here it would be a file that is hard to remove.
        if let Some(file) = self.0.iter().find(|file| file.written && file.path.as_os_str() == "-") {
            return Err(Problem::new(format!("{} needs a file name; `-` is none", file.what))
                .help("name a file; `./-` is the one of that name"));
        }
        for (index, one) in self.0.iter().enumerate() {
            for other in self.0.iter().take(index).filter(|other| one.written || other.written) {
                if one.place == other.place && one.place != Place::Special {
                    return Err(overlap(other, one));
                }
            }
        }
        Ok(())
    }
}

fn overlap(one: &File, other: &File) -> Problem {
    let name = |file: &File| format!("{} ({})", file.what, file.path.display());
    let problem = Problem::new(format!("{} and {} are the same file", name(one), name(other)));
    problem.help(match (one.written, other.written) {
        (true, true) => "each would overwrite the other: give them different names",
        _ => "what is read would be overwritten: give the output another name",
    })
}

fn place(path: &Path) -> Place {
    match fs::metadata(path) {
        Ok(data) if data.is_file() => Place::Inode(data.dev(), data.ino()),
        Ok(_) => Place::Special,
        Err(_) => Place::Nothing(absolute(path, MAX_LINKS)),
    }
}

/// Where a file would be made: links are followed, also those that lead nowhere yet.
fn absolute(path: &Path, links: u32) -> PathBuf {
    if let Ok(found) = fs::canonicalize(path) {
        return found;
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        Some(_) => PathBuf::from("."),
        None => return path.to_owned(),
    };
    if let (Ok(target), 1..) = (fs::read_link(path), links) {
        return absolute(&parent.join(target), links - 1);
    }
    let above = absolute(&parent, links);
    match path.components().next_back() {
        Some(Component::Normal(name)) => above.join(name),
        // Directories that are not there yet have no links in them.
        Some(Component::ParentDir) => above.parent().map_or(above.clone(), Path::to_owned),
        _ => above,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_are_the_same_however_they_are_written() {
        let directory = tempfile::TempDir::new().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        fs::write(at("there"), "").unwrap();
        fs::write(at("other"), "").unwrap();
        fs::hard_link(at("there"), at("hard")).unwrap();
        symlink("there", at("soft")).unwrap();
        symlink("new", at("dangling")).unwrap();
        symlink("sub", at("directory")).unwrap();
        symlink("loop", at("loop")).unwrap();
        for (one, other, same) in [
            ("there", "there", true),
            ("there", "./sub/../there", true),
            ("there", "hard", true),
            ("there", "soft", true),
            ("there", "other", false),
            ("new", "new", true),
            ("new", "dangling", true),
            ("sub/new", "directory/new", true),
            ("sub/a/b", "directory/a/../a/b", true),
            ("new", "newer", false),
            ("loop", "new", false),
        ] {
            let mut files = Files::default();
            files.output("one", &at(one));
            files.output("other", &at(other));
            assert_eq!(files.distinct().is_err(), same, "{one} {other}");
        }
    }

    #[test]
    fn inputs_may_share_a_file_and_devices_are_nobodys() {
        let mut files = Files::default();
        files.input("the suite", Path::new("Cargo.toml"));
        files.input("the configuration", Path::new("Cargo.toml"));
        files.output("--html", Path::new("/dev/null"));
        files.output("--logfile", Path::new("/dev/null"));
        assert!(files.distinct().is_ok());
        files.output("--html", Path::new("./Cargo.toml"));
        let said = files.distinct().unwrap_err().to_string();
        assert_eq!(said, "the suite (Cargo.toml) and --html (./Cargo.toml) are the same file");
    }

    #[test]
    fn what_belongs_to_a_record_or_to_csv_files_counts() {
        for name in ["r.squall", "r.squall-wal", "x_stats.csv", "x_stats_history.csv"] {
            let mut files = Files::default();
            files.record("--record", Path::new("r.squall"), true);
            files.csv("x");
            assert!(files.distinct().is_ok());
            files.output("--html", Path::new(name));
            assert!(files.distinct().is_err(), "{name}");
        }
    }
}
