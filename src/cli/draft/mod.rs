//! Options on their way: what was typed so far.

mod decision;
mod operands;

use super::accounts::report_to;
use super::usage_error::{ParseError, Result};
use super::values::{ATTRIBUTES, Attribute, FORMS, HINTS, REFLINK, SPARSE, SYNC, UPDATES, VERIFY};
use super::words::one_of;
use crate::account::{Accounts, Progress, Summary};
use crate::archive::manifest::Form;
use crate::options::{Dereference, Keep, Options, Preserve, Verbosity};
use crate::shard::{Number, Which};
use std::ffi::{OsStr, OsString};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

/// What --preserve keeps where nothing is said of it.
pub(super) const DEFAULT_ATTRIBUTES: &str = "mode,ownership,timestamps";

/// How many directories may be given with -t.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetDirectories {
    /// One, as with GNU's.
    One,
    /// As many as there are: each gets everything.
    Several,
}

/// What was typed so far.
pub(super) struct Draft {
    /// What each option has decided by itself.
    pub(super) options: Options,
    pub(super) dereference: Option<Dereference>,
    pub(super) attributes_only: bool,
    pub(super) link: bool,
    pub(super) symbolic_link: bool,
    pub(super) force: bool,
    pub(super) removes: bool,
    pub(super) strips: bool,
    pub(super) no_target_directory: bool,
    pub(super) sets_context: bool,
    archives: bool,
    pub(super) accounts: Accounts,
    pub(super) takes_digests: bool,
    pub(super) takes: TargetDirectories,
    target_directories: Vec<PathBuf>,
    context: Option<OsString>,
    suffix: Option<OsString>,
    /// The kind of backups: "" where it is left to the environment, `None` for no backups.
    control: Option<String>,
    jobs: Option<NonZeroUsize>,
    manifest: Option<PathBuf>,
    form: Option<Form>,
    which: Option<Which>,
    plan: Option<Which>,
    state: Option<PathBuf>,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self {
            options: Options::plain(),
            dereference: None,
            attributes_only: false,
            link: false,
            symbolic_link: false,
            force: false,
            removes: false,
            strips: false,
            no_target_directory: false,
            sets_context: false,
            archives: false,
            accounts: Accounts::default(),
            takes_digests: false,
            takes: TargetDirectories::One,
            target_directories: Vec::new(),
            context: None,
            suffix: None,
            control: None,
            jobs: None,
            manifest: None,
            form: None,
            which: None,
            plan: None,
            state: None,
        }
    }

    pub(super) fn archive(&mut self) {
        self.dereference = Some(Dereference::Never);
        self.options.recursive = true;
        self.archives = true;
        self.preserve_all();
    }

    /// Extended attributes and context stay demanded where they were, by name. Otherwise what cannot be kept of them is no failure, and is
    /// said unless -a is given, wherever that stands.
    fn preserve_all(&mut self) {
        let Preserve { xattr, context, .. } = self.options.preserve;
        let lenient = if self.archives { Keep::Try } else { Keep::Say };
        let keep = |demanded| if demanded == Keep::Must { demanded } else { lenient };
        self.options.preserve = Preserve { xattr: keep(xattr), context: keep(context), ..Preserve::everything() };
    }

    pub(super) fn keep_links(&mut self) {
        self.dereference = Some(Dereference::Never);
        self.options.preserve.links = Keep::Must;
    }

    pub(super) fn says(&mut self, verbosity: Verbosity) {
        self.options.verbosity = self.options.verbosity.max(verbosity);
    }

    /// -b says that there are backups, and leaves what --backup said of their names.
    pub(super) fn backup_by_default(&mut self) {
        self.control.get_or_insert_default();
    }

    pub(super) fn backup(&mut self, control: &str) -> Result<()> {
        if control.is_empty() {
            self.backup_by_default();
        } else {
            self.control = Some(control.to_owned());
        }
        Ok(())
    }

    pub(super) fn suffix(&mut self, suffix: &OsStr) -> Result<()> {
        self.suffix = Some(suffix.to_owned());
        Ok(())
    }

    pub(super) fn preserve_default(&mut self) {
        let preserve = &mut self.options.preserve;
        [&mut preserve.mode, &mut preserve.ownership, &mut preserve.timestamps]
            .into_iter()
            .for_each(|keep| *keep = Keep::Must);
        preserve.default_mode = false;
    }

    /// Keeps the attributes of a list, or does not; `option` is where it was typed.
    pub(super) fn preserve(&mut self, list: &str, option: &str, keep: Keep) -> Result<()> {
        for attribute in list.split(',') {
            let preserve = &mut self.options.preserve;
            match one_of(option, attribute, &ATTRIBUTES)? {
                Attribute::Mode => {
                    preserve.mode = keep;
                    preserve.default_mode = keep == Keep::No;
                }
                Attribute::Ownership => preserve.ownership = keep,
                Attribute::Timestamps => preserve.timestamps = keep,
                Attribute::Links => preserve.links = keep,
                Attribute::Context => preserve.context = keep,
                Attribute::Xattr => preserve.xattr = keep,
                Attribute::All if keep == Keep::No => {
                    *preserve = Preserve { default_mode: true, ..Preserve::nothing() };
                }
                Attribute::All => self.preserve_all(),
            }
        }
        Ok(())
    }

    pub(super) fn reflink(&mut self, word: &str) -> Result<()> {
        self.options.reflink = one_of("--reflink", word, &REFLINK)?;
        Ok(())
    }

    pub(super) fn sparse(&mut self, word: &str) -> Result<()> {
        self.options.sparse = one_of("--sparse", word, &SPARSE)?;
        Ok(())
    }

    pub(super) fn update(&mut self, word: &str) -> Result<()> {
        self.options.update = one_of("--update", word, &UPDATES)?;
        Ok(())
    }

    pub(super) fn verify(&mut self, word: &str) -> Result<()> {
        self.options.verify = one_of("--verify", word, &VERIFY)?;
        Ok(())
    }

    pub(super) fn hints(&mut self, word: &str) -> Result<()> {
        self.options.hints = one_of("--hints", word, &HINTS)?;
        Ok(())
    }

    pub(super) fn sync(&mut self, word: &str) -> Result<()> {
        self.options.sync = one_of("--sync", word, &SYNC)?;
        Ok(())
    }

    pub(super) fn jobs(&mut self, number: &str) -> Result<()> {
        let invalid = |_| ParseError::new(format!("invalid number of jobs: '{number}'"));
        self.jobs = Some(number.parse().map_err(invalid)?);
        Ok(())
    }

    pub(super) fn manifest(&mut self, file: &OsStr) -> Result<()> {
        if file == "-" {
            let why = "--manifest takes the name of a file, which it gets once it is whole; './-' is one, '-' is not";
            return Err(ParseError::new(why));
        }
        self.manifest = Some(PathBuf::from(file));
        Ok(())
    }

    pub(super) fn manifest_format(&mut self, word: &str) -> Result<()> {
        self.form = Some(one_of("--manifest-format", word, &FORMS)?);
        Ok(())
    }

    /// The last one that is named.
    pub(super) fn report(&mut self, file: &OsStr) -> Result<()> {
        self.accounts.report = Some(report_to(file));
        Ok(())
    }

    /// Who has looked on wants to know what came of it.
    pub(super) fn progress(&mut self) {
        self.accounts.progress = Progress::Shown;
        self.accounts.summary = Summary::AtEnd;
    }

    pub(super) fn shard(&mut self, word: &str) -> Result<()> {
        let number = || {
            let (number, count) = word.split_once('/')?;
            let (number, count): (NonZeroU32, NonZeroU32) = (number.parse().ok()?, count.parse().ok()?);
            (number <= count).then_some(Which::Told(Number { number, count }))
        };
        let which = if word == "auto" { Some(Which::Auto) } else { number() };
        let invalid = || ParseError::new(format!("invalid shard '{word}': K/N with K from 1 to N, or auto"));
        self.which = Some(which.ok_or_else(invalid)?);
        Ok(())
    }

    pub(super) fn plan(&mut self, word: &str) -> Result<()> {
        let count = word.parse().map_err(|_| ParseError::new(format!("invalid number of shards '{word}'")))?;
        self.plan = Some(Which::Lists(count));
        Ok(())
    }

    pub(super) fn state(&mut self, directory: &OsStr) -> Result<()> {
        self.state = Some(PathBuf::from(directory));
        Ok(())
    }

    pub(super) fn context(&mut self, context: &OsStr) -> Result<()> {
        self.sets_context = true;
        self.context = Some(context.to_owned());
        Ok(())
    }
}
