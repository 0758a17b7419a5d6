//! cp's options: for each, how it is spelled, what help says of it, and what it decides, in one place.

use super::accounts;
use super::definition::{flag, letter, optional, valued};
use super::draft::{DEFAULT_ATTRIBUTES, Draft};
use super::option::{CommandOption, Meaning, option};
use crate::account::Summary;
use crate::options::{Dereference, Keep, Overwrite, Unfinished, Update, Verbosity};
use clap::ValueHint;

/// cp's options, with GNU's meaning.
#[rustfmt::skip]
pub(super) fn of_cp() -> Vec<CommandOption<Draft>> {
    use Meaning::{Flag, Value, Word};
    vec![
        option(flag("archive", Some('a'), "recursively, keeping links as links and every attribute: -dR --preserve=all"),
            Flag(Draft::archive)),
        option(flag("attributes-only", None, "carry attributes over and leave content alone"),
            Flag(|draft| draft.attributes_only = true)),
        option(optional("backup", "CONTROL", "", "let an existing target keep a name of its own"),
            Word(Draft::backup)),
        option(letter("backup-default", 'b', "the same, with the kind of name left to VERSION_CONTROL"),
            Flag(Draft::backup_by_default)),
        option(flag("copy-contents", None, "read fifos and devices within a tree as if they were files"),
            Flag(|draft| draft.options.copy_contents = true)),
        option(flag("debug", None, "explain how a file is copied and why, with its digest; implies -v"),
            Flag(|draft| draft.says(Verbosity::Decisions))),
        option(letter("links", 'd', "keep symbolic and hard links as what they are: -P --preserve=links"),
            Flag(Draft::keep_links)),
        option(flag("force", Some('f'), "if an existing target cannot be opened, replace it by a new file").aliases(["f", "fo"]),
            Flag(|draft| draft.force = true)),
        option(flag("interactive", Some('i'), "ask before a target is replaced").aliases(["i", "in"]),
            Flag(|draft| draft.options.overwrite = Overwrite::Ask)),
        option(letter("follow-operands", 'H', "follow symbolic links that are operands"),
            Flag(|draft| draft.dereference = Some(Dereference::CommandLine))),
        option(flag("keep-directory-symlink", None, "go into a target that is a symbolic link to a directory"),
            Flag(|draft| draft.options.keep_directory_symlink = true)),
        option(flag("link", Some('l'), "make hard links to the sources, not copies of them"),
            Flag(|draft| draft.link = true)),
        option(flag("dereference", Some('L'), "follow every symbolic link in the source"),
            Flag(|draft| draft.dereference = Some(Dereference::Always))),
        option(flag("no-clobber", Some('n'), "leave existing targets alone, and say nothing of it"),
            Flag(|draft| draft.options.overwrite = Overwrite::Never)),
        option(flag("no-dereference", Some('P'), "follow no symbolic link in the source"),
            Flag(|draft| draft.dereference = Some(Dereference::Never))),
        option(letter("preserve-default", 'p', "keep mode, owner and times: --preserve=mode,ownership,timestamps"),
            Flag(Draft::preserve_default)),
        option(optional("preserve", "ATTR_LIST", DEFAULT_ATTRIBUTES,
                "keep these attributes (default: mode,ownership,timestamps)").alias("pr"),
            Word(|draft, list| draft.preserve(list, "--preserve", Keep::Must))),
        option(valued("no-preserve", "ATTR_LIST", "do not keep these attributes"),
            Word(|draft, list| draft.preserve(list, "--no-preserve", Keep::No))),
        option(flag("parents", None, "recreate the path of each source beneath DIRECTORY").aliases(["pa", "par", "path"]),
            Flag(|draft| draft.options.parents = true)),
        option(flag("recursive", Some('R'), "copy directories with all that is in them").visible_short_alias('r'),
            Flag(|draft| draft.options.recursive = true)),
        option(optional("reflink", "WHEN", "always", "share blocks with the source: auto (default), always, never"),
            Word(Draft::reflink)),
        option(flag("remove-destination", None, "replace each existing target by a new file, never write into it"),
            Flag(|draft| draft.removes = true)),
        option(valued("sparse", "WHEN", "make holes: auto (default), always, never"),
            Word(Draft::sparse)),
        option(flag("strip-trailing-slashes", None, "take slashes off the end of each source").alias("st"),
            Flag(|draft| draft.strips = true)),
        option(flag("symbolic-link", Some('s'), "make symbolic links to the sources, not copies of them").alias("sy"),
            Flag(|draft| draft.symbolic_link = true)),
        option(valued("suffix", "SUFFIX", "what the names of simple backups end in (default: ~)").short('S').alias("su"),
            Value(Draft::suffix)),
        option(valued("target-directory", "DIRECTORY", "copy every operand into DIRECTORY")
                .short('t').value_hint(ValueHint::DirPath),
            Value(Draft::target_directory)),
        option(flag("no-target-directory", Some('T'), "take DEST for the new name itself, even if it is a directory"),
            Flag(|draft| draft.no_target_directory = true)),
        option(optional("update", "UPDATE", "older", "replace existing targets: all (default), none, none-fail, older"),
            Word(Draft::update)),
        option(letter("update-older", 'u', "replace only targets that are older: --update=older"),
            Flag(|draft| draft.options.update = Update::Older)),
        option(flag("verbose", Some('v'), "name each file as it is copied"),
            Flag(|draft| draft.says(Verbosity::Names))),
        option(flag("one-file-system", Some('x'), "do not enter other filesystems"),
            Flag(|draft| draft.options.one_file_system = true)),
        option(letter("default-context", 'Z', "give targets the security context of the kernel's policy"),
            Flag(|draft| draft.sets_context = true)),
        option(optional("context", "CTX", "", "the same, or the context CTX"),
            Value(Draft::context)),
    ]
}

/// Our own options: long only, so that none takes a letter from cp.
#[rustfmt::skip]
pub(super) fn of_ours() -> Vec<CommandOption<Draft>> {
    use Meaning::{Flag, Value, Word};
    vec![
        option(valued("verify", "HOW", "read every copy back: content (default), map, blake3, device, none"),
            Word(Draft::verify)),
        option(valued("hints", "WHEN",
                "use what the kernel says of holes and shared blocks: auto (default), or never, and every byte is read"),
            Word(Draft::hints)),
        option(flag("in-place", None, "write into existing files rather than replace them whole"),
            Flag(|draft| draft.options.in_place = true)),
        option(flag("durable", None, "say success only of what a power loss cannot take back"),
            Flag(|draft| draft.options.durable = true)),
        option(valued("sync", "WHEN",
                "write out what replaces a file before it does: auto (default), or never, and a power loss can take both"),
            Word(Draft::sync)),
        option(flag("require-stable", None, "fail for a source that changed while it was read"),
            Flag(|draft| draft.options.require_stable = true)),
        option(valued("jobs", "N",
                "work on N files, or parts of a large file, at once (default: one per processor; 1 with -v or -i)"),
            Word(Draft::jobs)),
        option(flag("resume", None, "do not copy again what is there and holds the same bytes, whatever its times"),
            Flag(|draft| draft.options.resume = true)),
        option(flag("partial", None, "keep what was copied of a large file if the run is interrupted; the next run goes on with it"),
            Flag(|draft| draft.options.unfinished = Unfinished::Kept)),
        option(valued("shard", "SHARD", "copy one shard of a tree, K/N, which --finish completes; auto: the one that a batch system names"),
            Word(Draft::shard)),
        option(valued("plan", "N", "walk a tree once and make balanced lists for N shards, instead of a walk by each of them"),
            Word(Draft::plan)),
        option(valued("state", "DIR", "keep the records of shards in DIR rather than in the target")
                .value_hint(ValueHint::DirPath),
            Value(Draft::state)),
        option(valued("manifest", "FILE", "write down what was copied, to be checked later; without a target, what is there")
                .value_hint(ValueHint::FilePath),
            Value(Draft::manifest)),
        option(valued("manifest-format", "FORMAT", "write it as mtree (default), b3sum or sha256sum has it"),
            Word(Draft::manifest_format)),
        option(accounts::report(),
            Value(Draft::report)),
        option(accounts::digests(),
            Flag(|draft| draft.takes_digests = true)),
        option(accounts::summary(),
            Flag(|draft| draft.accounts.summary = Summary::AtEnd)),
        option(accounts::progress(),
            Flag(Draft::progress)),
    ]
}
