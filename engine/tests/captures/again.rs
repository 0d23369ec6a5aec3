// SPDX-License-Identifier: Apache-2.0
//! A conversion is the work of one thread: it gives the same each time, whatever
//! other threads do.

use std::path::Path;

use engine::scap::Options;
use engine::scap::file::Reader;

use super::convert::{Converted, captures, convert};

fn converted(path: &Path) -> Converted {
    convert(Reader::open(path).expect("a capture"), &Options::default())
}

#[test]
fn a_conversion_gives_the_same_each_time() {
    let Some(folder) = captures() else { return };
    let folders = [folder.as_path(), folder.parent().expect("the folder above")];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).expect("a folder"));
    let paths = files.map(|file| file.expect("a file").path());
    let mut number = 0;
    for path in paths.filter(|path| path.extension().is_some_and(|ext| ext == "scap")) {
        let (one, other) = std::thread::scope(|scope| {
            let other = scope.spawn(|| converted(&path));
            (converted(&path), other.join().expect("no panic"))
        });
        assert!(one.records == other.records, "{path:?}");
        assert_eq!(one.engine, other.engine, "{path:?}");
        number += 1;
    }
    assert!(number > 5, "{number} captures");
}
