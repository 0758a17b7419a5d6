//! The command lines that are run while somebody swaps names.

use std::path::Path;

/// What is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The tree, to the target's own name.
    Tree,
    /// Files of it, into the target.
    Files,
}

/// One command line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// Options; what they ask for decides which rules hold.
    pub(crate) options: &'static str,
    pub(crate) what: What,
}

const fn tree(options: &'static str) -> Order {
    Order { options, what: What::Tree }
}

const fn files(options: &'static str) -> Order {
    Order { options, what: What::Files }
}

/// What every cp knows.
const COMMON: &[Order] = &[
    tree("-a"),
    tree("-r"),
    tree("-rp"),
    tree("-rL"),
    tree("-al"),
    tree("-rs"),
    tree("-af"),
    tree("-a --remove-destination"),
    tree("-a --backup=numbered"),
    tree("-r --backup=simple"),
    tree("-a --sparse=always --reflink=never"),
    tree("-a --attributes-only"),
    tree("-au"),
    files("-a"),
    files("-dp --remove-destination"),
    files("-P --backup=existing"),
    files("-p"),
];

/// What only safecp knows.
const OURS: &[Order] = &[
    tree("-a --jobs=1"),
    tree("-a --jobs=4"),
    tree("-r --jobs=4"),
    tree("-a --in-place"),
    tree("-r --in-place"),
    tree("-a --durable"),
    tree("-a --verify=none"),
    tree("-a --require-stable"),
    files("-a --in-place"),
];

impl Order {
    /// Those that a program can carry out.
    pub(crate) fn all(is_ours: bool) -> Vec<Self> {
        COMMON.iter().chain(OURS.iter().filter(|_| is_ours)).copied().collect()
    }

    /// The words of the command line, for a stage at `root`.
    pub(crate) fn words(&self, root: &Path) -> Vec<String> {
        let at = |name: &str| root.join(name).to_string_lossy().into_owned();
        let options = self.options.split(' ').map(str::to_owned);
        match self.what {
            What::Tree => options.chain(["-T".to_owned(), at("tree/source"), at("tree/target")]).collect(),
            What::Files => {
                let names = ["f0", "f1", "f2", "f3", "p", "s", "h"];
                let sources = names.map(|name| at(&format!("tree/source/d0/{name}")));
                options.chain(sources).chain([at("tree/target")]).collect()
            }
        }
    }

    fn has(&self, letter: char) -> bool {
        self.options.split(' ').any(|word| !word.starts_with("--") && word.starts_with('-') && word.contains(letter))
    }

    /// Symbolic links in the source are followed, as the user asks: what they lead to is the source.
    pub(crate) fn follows(&self) -> bool {
        self.has('L') || self.what == What::Files && !self.has('a') && !self.has('d') && !self.has('P')
    }

    /// Fifos and devices are read as files, as the user asks: waiting for a writer is right.
    pub(crate) fn reads_fifos(&self) -> bool {
        !self.has('a') && !self.has('r')
    }

    /// The target gets the bytes of the source.
    pub(crate) fn copies_bytes(&self) -> bool {
        !self.has('s') && !self.options.contains("--attributes-only")
    }

    /// Files that were made or changed later than the source's stay.
    pub(crate) fn may_leave_old(&self) -> bool {
        self.has('u')
    }

    /// An old target with several names is replaced, and not written to.
    pub(crate) fn parts_links(&self) -> bool {
        let removes = self.options.contains("--remove") || self.options.contains("--backup");
        let keeps_links = self.has('a') || self.has('d');
        removes || self.has('l') || keeps_links && !self.options.contains("--attributes-only")
    }

    /// Links at the targets are followed wherever they lead, as the user's own.
    pub(crate) fn writes_through_links(&self) -> bool {
        self.what == What::Files && !self.options.contains("--remove") && !self.options.contains("--backup")
    }

    /// Owners are to be kept.
    pub(crate) fn keeps_owners(&self) -> bool {
        self.has('a') || self.has('p')
    }
}
