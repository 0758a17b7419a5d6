//! Options on their way: what was typed so far, and what comes of it when all is read.

use super::accounts::report_to;
use super::usage_error::{ParseError, Result};
use super::words::one_of;
use crate::account::{Accounts, Progress, ReportTo, Summary};
use crate::archive::Wanted;
use crate::archive::manifest::Form;
use crate::host::Environment;
use crate::options::{
    Backup, Context, Dereference, Hints, Keep, Options, Overwrite, Preserve, Product, Record, Reflink, Removal, Sparse,
    Sync, TargetRule, Update, Verbosity, Verify,
};
use crate::quote::quoted;
use crate::shard::{Number, Which};
use crate::tree::plan::Operands;
use std::ffi::{OsStr, OsString};
use std::num::{NonZeroU32, NonZeroUsize};
use std::os::unix::ffi::OsStrExt;
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

/// The share of a copy that was typed.
pub(super) struct Share {
    pub(super) which: Which,
    pub(super) state: Option<PathBuf>,
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
        self.options.preserve = Preserve::everything();
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
        let preserve = &mut self.options.preserve;
        for attribute in list.split(',') {
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
                // Unlike with -a, what cannot be kept of them is said, if it is no failure either.
                Attribute::All => {
                    *preserve = Preserve { context: Keep::Say, xattr: Keep::Say, ..Preserve::everything() }
                }
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

    /// What is told of the run beside its messages.
    pub(super) fn wanted_accounts(&self) -> Result<Accounts> {
        if self.accounts.report == Some(ReportTo::Output) && self.options.verbosity > Verbosity::Quiet {
            return Err(ParseError::new(
                "--report=- cannot be used with -v or --debug, which write to standard output too",
            ));
        }
        Ok(self.accounts.clone())
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

    /// The share that is asked for.
    pub(super) fn share(&self, options: &Options) -> Result<Option<Share>> {
        if self.plan.is_some() && self.which.is_some() {
            return Err(ParseError::new("--plan makes lists for all shards, and cannot be combined with --shard"));
        }
        let Some(which) = self.which.or(self.plan) else {
            return match self.state {
                Some(_) => Err(ParseError::new("--state is of use only with --shard")),
                None => Ok(None),
            };
        };
        // Directories are open to their owner until the end, which has nothing but the sources to go by.
        if !options.recursive || !options.preserve.mode.wanted() {
            return Err(ParseError::new("--shard needs -a, or -R with --preserve=mode"));
        }
        let is_plain = options.product == Product::Copy
            && options.overwrite == Overwrite::Always
            && options.update == Update::All
            && options.backup == Backup::No;
        if !is_plain || options.parents || options.in_place {
            let why = "--shard cannot be combined with --attributes-only, --backup, --in-place, -i, -l, -n, --parents, -s or --update";
            return Err(ParseError::new(why));
        }
        Ok(Some(Share { which, state: self.state.clone() }))
    }

    /// The manifest that is asked for.
    pub(super) fn wanted(&self) -> Result<Option<Wanted>> {
        match (&self.manifest, self.form) {
            (Some(file), form) => Ok(Some(Wanted { file: file.clone(), form: form.unwrap_or(Form::Mtree) })),
            (None, Some(_)) => Err(ParseError::new("--manifest-format is of use only with --manifest")),
            (None, None) => Ok(None),
        }
    }

    /// Whether a target is named, and not only what is to be read.
    pub(super) fn has_target(&self, operands: usize) -> bool {
        operands != 1 || self.has_target_directory()
    }

    pub(super) fn target_directory(&mut self, directory: &OsStr) -> Result<()> {
        if self.takes == TargetDirectories::One && self.has_target_directory() {
            return Err(ParseError::last("multiple target directories specified"));
        }
        self.target_directories.push(PathBuf::from(directory));
        Ok(())
    }

    pub(super) fn has_target_directory(&self) -> bool {
        !self.target_directories.is_empty()
    }

    pub(super) fn context(&mut self, context: &OsStr) -> Result<()> {
        self.sets_context = true;
        self.context = Some(context.to_owned());
        Ok(())
    }

    /// The options, and what there is to say of them beforehand.
    pub(super) fn decide(&self, environment: &Environment) -> Result<(Options, Vec<String>)> {
        let mut options = self.options.clone();
        let mut warnings = Vec::new();
        options.removal = match (self.removes, self.force) {
            (true, _) => Removal::Always,
            (false, true) => Removal::WhenUnwritable,
            (false, false) => Removal::Never,
        };
        options.product = self.product()?;
        if options.product == Product::Attributes && matches!(options.preserve.xattr, Keep::Try | Keep::Say) {
            // Nothing else is copied: what is lost of them is said, also where the filesystem has none.
            options.preserve.xattr = Keep::Warn;
        }
        options.through_dangling = environment.posixly_correct;
        options.seals = self.manifest.is_some();
        options.record = match (&self.accounts.report, self.takes_digests) {
            (None, true) => return Err(ParseError::new("--digests is of use only with --report")),
            (None, false) => Record::No,
            (Some(_), false) => Record::Kept,
            (Some(_), true) => Record::WithDigest,
        };
        options.durable |= options.verify == Verify::Device;
        if options.durable && !options.syncs() {
            return Err(ParseError::new("--sync=never cannot be durable"));
        }
        let makes_hard_links = options.product == Product::HardLink;
        let default = if options.recursive && !makes_hard_links { Dereference::Never } else { Dereference::Always };
        options.dereference = self.dereference.unwrap_or(default);
        // Lines and questions come in the order of the walk, as cp's do, unless jobs are asked for.
        let in_turn = options.verbosity > Verbosity::Quiet || options.overwrite == Overwrite::Ask;
        options.jobs = self.jobs.or(in_turn.then_some(NonZeroUsize::MIN));
        self.decide_backups(&mut options, environment)?;
        if options.reflink == Reflink::Always && options.sparse != Sparse::Auto {
            return Err(ParseError::new("--reflink can be used only with --sparse=auto"));
        }
        if options.reflink == Reflink::Always && options.hints == Hints::Never {
            return Err(ParseError::new("--reflink=always is a hint, which --hints=never does not use"));
        }
        options.context = self.decide_context(&mut options.preserve.context, environment, &mut warnings)?;
        Ok((options, warnings))
    }

    fn product(&self) -> Result<Product> {
        match (self.link, self.symbolic_link) {
            (true, true) => Err(ParseError::new("cannot make both hard and symbolic links")),
            (true, false) => Ok(Product::HardLink),
            (false, true) => Ok(Product::SymbolicLink),
            (false, false) if self.attributes_only => Ok(Product::Attributes),
            (false, false) => Ok(Product::Copy),
        }
    }

    /// The kind of backups and their suffix.
    fn decide_backups(&self, options: &mut Options, environment: &Environment) -> Result<()> {
        let suffix = self.suffix.as_ref().or(environment.backup_suffix.as_ref());
        let is_usable = |suffix: &&OsString| !suffix.is_empty() && !suffix.as_bytes().contains(&b'/');
        if let Some(suffix) = suffix.filter(is_usable) {
            options.backup_suffix = suffix.clone();
        }
        let control = self.control.as_deref().or(self.suffix.as_ref().map(|_| ""));
        let Some(control) = control else { return Ok(()) };
        if !options.may_replace() {
            return Err(ParseError::new("--backup is mutually exclusive with -n or --update=none-fail"));
        }
        let from_environment = environment.version_control.as_ref().map(|control| control.to_string_lossy());
        options.backup = match (control, from_environment.as_deref()) {
            ("", None | Some("")) => Backup::Existing,
            ("", Some(control)) => one_of("$VERSION_CONTROL", control, &BACKUPS)?,
            (control, _) => one_of("backup type", control, &BACKUPS)?,
        };
        Ok(())
    }

    /// What -Z and --context ask for. Where the kernel keeps no contexts, -Z has no effect and --context
    /// only a warning, as with GNU's.
    fn decide_context(
        &self,
        preserve: &mut Keep,
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> Result<Context> {
        let named = self.context.as_ref().filter(|context| !context.is_empty());
        let Some(attribute) = environment.context_attribute else {
            if named.is_some() {
                warnings.push("ignoring --context; it requires an SELinux-enabled kernel".to_owned());
            }
            if *preserve == Keep::Must {
                let why = "cannot preserve security context without an SELinux-enabled kernel";
                return Err(ParseError::last(why));
            }
            return Ok(Context::Inherited);
        };
        if self.sets_context && *preserve == Keep::Must {
            return Err(ParseError::last("cannot set target context and preserve it"));
        }
        if self.sets_context && named.is_none() {
            warnings.push("-Z gives the context of the kernel's own policy; file_contexts is not consulted".to_owned());
        }
        if self.sets_context {
            *preserve = Keep::No;
        }
        Ok(named.map_or(Context::Inherited, |context| Context::Named { attribute, value: context.clone() }))
    }

    /// The operands for each of several targets, if there are several.
    pub(super) fn operands_of_each(&self, operands: &Operands) -> Option<Vec<Operands>> {
        let of = |target: &PathBuf| Operands { target: target.clone(), ..operands.clone() };
        (self.target_directories.len() > 1).then(|| self.target_directories.iter().map(of).collect())
    }

    /// The operands, by the options that tell which of them is the target; of several the first.
    pub(super) fn operands(&self, mut sources: Vec<PathBuf>) -> Result<Operands> {
        let strips = self.strips;
        let itself = self.no_target_directory;
        if sources.is_empty() {
            return Err(ParseError::new("missing file operand"));
        }
        if let Some(directory) = self.target_directories.first() {
            if itself {
                let why = "cannot combine --target-directory (-t) and --no-target-directory (-T)";
                return Err(ParseError::last(why));
            }
            return Ok(Operands { sources, target: directory.clone(), rule: TargetRule::Directory, strips });
        }
        if sources.len() == 1 {
            let missing = format!("missing destination file operand after {}", quoted(&sources[0]));
            return Err(ParseError::new(missing));
        }
        if itself && sources.len() > 2 {
            return Err(ParseError::new(format!("extra operand {}", quoted(&sources[2]))));
        }
        let target = sources.pop().ok_or_else(|| ParseError::new("missing file operand"))?;
        let rule = if itself { TargetRule::Itself } else { TargetRule::Last };
        Ok(Operands { sources, target, rule, strips })
    }
}

/// The attributes of --preserve.
#[derive(Clone, Copy, PartialEq)]
enum Attribute {
    Mode,
    Timestamps,
    Ownership,
    Links,
    Context,
    Xattr,
    All,
}

const ATTRIBUTES: [(&str, Attribute); 7] = [
    ("mode", Attribute::Mode),
    ("timestamps", Attribute::Timestamps),
    ("ownership", Attribute::Ownership),
    ("links", Attribute::Links),
    ("context", Attribute::Context),
    ("xattr", Attribute::Xattr),
    ("all", Attribute::All),
];
/// The words of --update.
pub(super) const UPDATES: [(&str, Update); 4] =
    [("all", Update::All), ("none", Update::Nothing), ("none-fail", Update::NothingFail), ("older", Update::Older)];
const SPARSE: [(&str, Sparse); 3] = [("never", Sparse::Never), ("auto", Sparse::Auto), ("always", Sparse::Always)];
const REFLINK: [(&str, Reflink); 3] = [("auto", Reflink::Auto), ("always", Reflink::Always), ("never", Reflink::Never)];
const BACKUPS: [(&str, Backup); 8] = [
    ("none", Backup::No),
    ("off", Backup::No),
    ("simple", Backup::Simple),
    ("never", Backup::Simple),
    ("existing", Backup::Existing),
    ("nil", Backup::Existing),
    ("numbered", Backup::Numbered),
    ("t", Backup::Numbered),
];
const HINTS: [(&str, Hints); 2] = [("auto", Hints::Auto), ("never", Hints::Never)];
const SYNC: [(&str, Sync); 2] = [("auto", Sync::Auto), ("never", Sync::Never)];
const FORMS: [(&str, Form); 3] = [("mtree", Form::Mtree), ("b3sum", Form::B3sum), ("sha256sum", Form::Sha256sum)];

const VERIFY: [(&str, Verify); 5] = [
    ("content", Verify::Content),
    ("map", Verify::Map),
    ("blake3", Verify::Blake3),
    ("device", Verify::Device),
    ("none", Verify::Nothing),
];
