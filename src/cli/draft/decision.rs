//! What comes of what was typed, when all is read.

use super::Draft;
use crate::account::{Accounts, ReportTo};
use crate::archive::Wanted;
use crate::archive::manifest::Form;
use crate::cli::usage_error::{ParseError, Result};
use crate::cli::values::BACKUPS;
use crate::cli::words::one_of;
use crate::host::Environment;
use crate::options::{
    Backup, Context, Dereference, Hints, Keep, Options, Overwrite, Product, Record, Reflink, Removal, Sparse, Update,
    Verbosity, Verify,
};
use crate::shard::Which;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The share of a copy that was typed.
pub(in crate::cli) struct Share {
    pub(in crate::cli) which: Which,
    pub(in crate::cli) state: Option<PathBuf>,
}

impl Draft {
    /// The options, and what there is to say of them beforehand.
    pub(in crate::cli) fn decide(&self, environment: &Environment) -> Result<(Options, Vec<String>)> {
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

    /// What is told of the run beside its messages.
    pub(in crate::cli) fn wanted_accounts(&self) -> Result<Accounts> {
        if self.accounts.report == Some(ReportTo::Output) && self.options.verbosity > Verbosity::Quiet {
            return Err(ParseError::new(
                "--report=- cannot be used with -v or --debug, which write to standard output too",
            ));
        }
        Ok(self.accounts.clone())
    }

    /// The share that is asked for.
    pub(in crate::cli) fn share(&self, options: &Options) -> Result<Option<Share>> {
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
    pub(in crate::cli) fn wanted(&self) -> Result<Option<Wanted>> {
        match (&self.manifest, self.form) {
            (Some(file), form) => Ok(Some(Wanted { file: file.clone(), form: form.unwrap_or(Form::Mtree) })),
            (None, Some(_)) => Err(ParseError::new("--manifest-format is of use only with --manifest")),
            (None, None) => Ok(None),
        }
    }
}
