//! Every seed goes through its target.

use std::fs;
use std::path::Path;

#[test]
fn seeds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    for (name, run) in atpass_fuzz::TARGETS {
        let files = fs::read_dir(root.join(name)).expect("each target has seeds");
        let mut count = 0;
        for file in files {
            run(&fs::read(file.expect("a file").path()).expect("its bytes"));
            count += 1;
        }
        assert!(count > 3, "{name} has {count} seeds");
    }
}
