//! Any bytes as the file of the bridge that is trusted, and as that of the reader's own key: what is damaged is never taken for "no bridge yet",
//! and is complained of.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use teleinfo_reader::{
    fuzzing,
    trust::keys::Trusted,
};

/// A directory of this process alone.
static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = std::env::temp_dir().join(format!("trust-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory can be made");
    directory
});

fuzz_target!(|bytes: &[u8]| {
    let [bridge, key] = ["bridge", "key"].map(|name| DIRECTORY.join(name));
    fs::write(&bridge, bytes).expect("a file can be written");
    fs::write(&key, bytes).expect("a file can be written");
    let (trusted, remarks) = fuzzing::trusted(&DIRECTORY);
    assert_eq!(fs::read(&key).expect("it is there"), bytes, "a key that is damaged is not written over");
    // The files here are not for their owner alone, which is one remark.
    match trusted {
        Trusted::Pinned(pinned) => assert_eq!(str::from_utf8(bytes).map(|text| text.trim_end().to_lowercase()), Ok(pinned.to_string())),
        Trusted::Expected(code) => assert_eq!(code.to_string().parse(), Ok(code)),
        Trusted::Nobody => assert!(remarks >= 1, "nothing is said of a damaged file"),
        Trusted::First => panic!("a damaged file is taken for none"),
    }
});
