//! The command lines that are run while somebody swaps names.

use std::path::{Path, PathBuf};

/// What is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The tree, to the target's own name.
    Tree,
    /// Files of it, into the target.
    Files,
}

/// What safecp is called as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Cp,
    Install,
    Mv,
}

/// One command line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) program: Program,
    /// Options; what they ask for decides which rules hold.
    pub(crate) options: &'static str,
    pub(crate) what: What,
}

const fn tree(options: &'static str) -> Order {
    Order { program: Program::Cp, options, what: What::Tree }
}

const fn files(options: &'static str) -> Order {
    Order { program: Program::Cp, options, what: What::Files }
}

const fn install(options: &'static str) -> Order {
    Order { program: Program::Install, options, what: What::Files }
}

const fn mv(options: &'static str, what: What) -> Order {
    Order { program: Program::Mv, options, what }
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

/// What every install and mv knows.
const COMMON_STAND_INS: &[Order] = &[
    install("-m 600"),
    install("-m 600 -p"),
    install("-m 600 -C"),
    install("-m 600 --backup=numbered"),
    install("-m 4711 -o 12345 -g 12345"),
    mv("-f", What::Files),
    mv("--backup=numbered", What::Files),
    mv("-v", What::Tree),
    mv("--backup=simple", What::Tree),
];

/// What only safecp knows.
const OUR_STAND_INS: &[Order] = &[
    install("-m 600 --verify=none"),
    install("-m 600 --durable"),
    mv("--verify=none", What::Files),
    mv("--jobs=4", What::Tree),
];

impl Order {
    /// Those of install and mv.
    pub(crate) fn stand_ins(is_ours: bool) -> Vec<Self> {
        COMMON_STAND_INS.iter().chain(OUR_STAND_INS.iter().filter(|_| is_ours)).copied().collect()
    }

    /// The file to run, and the word that tells it what it is called. GNU's are beside each other, by the names that they have
    /// where they are built.
    pub(crate) fn called(&self, cp: &Path, is_ours: bool) -> (PathBuf, Option<&'static str>) {
        match self.program {
            Program::Cp => (cp.to_owned(), None),
            Program::Install if is_ours => (cp.to_owned(), Some("--as=install")),
            Program::Install => (cp.with_file_name("ginstall"), None),
            Program::Mv if is_ours => (cp.to_owned(), Some("--as=mv")),
            Program::Mv => (cp.with_file_name("mv"), None),
        }
    }

    /// Those that a program can carry out.
    pub(crate) fn all(is_ours: bool) -> Vec<Self> {
        COMMON.iter().chain(OURS.iter().filter(|_| is_ours)).copied().collect()
    }

    /// The words of the command line, for a stage at `root`, whose target is reached by way of `other`.
    pub(crate) fn words(&self, root: &Path, other: &Path) -> Vec<String> {
        let at = |root: &Path, name: &str| root.join(name).to_string_lossy().into_owned();
        let options = self.options.split(' ').map(str::to_owned);
        let target = at(other, "tree/target");
        match self.what {
            What::Tree => options.chain(["-T".to_owned(), at(root, "tree/source"), target]).collect(),
            What::Files => {
                let names = ["f0", "f1", "f2", "f3", "p", "s", "h"];
                let sources = names.map(|name| at(root, &format!("tree/source/d0/{name}")));
                options.chain(sources).chain([target]).collect()
            }
        }
    }

    fn has(&self, letter: char) -> bool {
        self.options.split(' ').any(|word| !word.starts_with("--") && word.starts_with('-') && word.contains(letter))
    }

    /// Symbolic links in the source are followed, as the user asks: what they lead to is the source.
    pub(crate) fn follows(&self) -> bool {
        match self.program {
            Program::Cp => {
                self.has('L') || self.what == What::Files && !self.has('a') && !self.has('d') && !self.has('P')
            }
            Program::Install => true,
            Program::Mv => false,
        }
    }

    /// Fifos and devices are read as files, as the user asks: waiting for a writer is right.
    pub(crate) fn reads_fifos(&self) -> bool {
        match self.program {
            Program::Cp => !self.has('a') && !self.has('r'),
            Program::Install => true,
            Program::Mv => false,
        }
    }

    /// The target is made with a set-user-ID bit, and given to the one owner who has such files.
    pub(crate) fn grants(&self) -> bool {
        self.options.contains("-m 4711 -o 12345")
    }

    /// The source goes when the target is there.
    pub(crate) fn moves(&self) -> bool {
        self.program == Program::Mv
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
        self.replaces() || removes || self.has('l') || keeps_links && !self.options.contains("--attributes-only")
    }

    /// Nothing is written into an old file, whatever the options are.
    fn replaces(&self) -> bool {
        self.program != Program::Cp
    }

    /// Links at the targets are followed wherever they lead, as the user's own.
    pub(crate) fn writes_through_links(&self) -> bool {
        let removes = self.options.contains("--remove") || self.options.contains("--backup");
        self.what == What::Files && !removes && !self.replaces()
    }

    /// Owners are to be kept.
    pub(crate) fn keeps_owners(&self) -> bool {
        match self.program {
            Program::Cp => self.has('a') || self.has('p'),
            Program::Install => false,
            Program::Mv => true,
        }
    }

    /// An old file's owner and mode may be those of the new one.
    pub(crate) fn may_keep_old_rights(&self) -> bool {
        !self.keeps_owners() && !self.replaces()
    }
}
