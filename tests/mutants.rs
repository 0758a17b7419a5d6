//! Do the simulator, and the liar that stands for another machine, see what they should? The engine is broken on purpose, one line at a
//! time.
//!
//! Each mutant takes one safeguard away and must be killed by a campaign: some world, or some lie, breaks a promise
//! within the given number of them. The code as it is must pass the same campaign. A mutant that
//! survives means that the campaign cannot produce the fault, or that the safeguard is not needed; both
//! are worth knowing. Slow (a build each), hence ignored: cargo test --test mutants -- --ignored --nocapture

#[path = "common/asked.rs"]
#[allow(dead_code, reason = "the black-box tests'; this program uses a part")]
mod asked;

use asked::{number, project};
use std::path::{Path, PathBuf};
use std::process::Command;

/// One way to break the engine.
struct Mutant {
    /// What is missing then.
    name: &'static str,
    /// Texts of one file, in which each occurs exactly once, and what they become. The file is found by them.
    edits: &'static [(&'static str, &'static str)],
    /// The campaign that kills it, and its seed.
    seed: &'static str,
    campaign: Campaign,
}

/// Which worlds are to notice that something is missing, and how many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Campaign {
    /// One file is copied in each.
    Files(u32),
    /// A run copies trees.
    Trees(u32),
    /// Trees are copied into several targets.
    Targets(u32),
    /// Several runs share a tree.
    Shares(u32),
    /// A tree is listed, harmed, checked and mended.
    Lists(u32),
    /// The other end of a copy between machines lies (src/remote/lies.rs), and what stands beside its code.
    Lies(u32),
}

impl Campaign {
    /// The test that plays it.
    fn test(self) -> &'static str {
        match self {
            Campaign::Files(_) => "no_world",
            Campaign::Trees(_) => "no_tree",
            Campaign::Targets(_) => "no_target",
            Campaign::Shares(_) => "no_share",
            Campaign::Lists(_) => "no_list",
            Campaign::Lies(_) => "remote::",
        }
    }

    /// The program of tests that it is in, as cargo is told, and what tells it its seed.
    fn program(self) -> (&'static [&'static str], &'static str) {
        match self {
            Campaign::Lies(_) => (&["--lib"], "SAFECP_SEED"),
            _ => (&["--test", "simulate"], "SAFECP_SIM_SEED"),
        }
    }

    /// What its output has if it was played at all.
    fn mark(self) -> &'static str {
        match self {
            Campaign::Lies(_) => "test remote::lies::",
            _ => "from seed",
        }
    }

    /// What of its output tells that something broke.
    fn found(self, said: &str) -> Option<String> {
        let is_broken = |line: &&str| match self {
            Campaign::Lies(_) => line.starts_with("thread 'remote::") && line.contains("panicked at"),
            _ => line.starts_with("BROKEN"),
        };
        let first = said.lines().find(is_broken)?;
        let (count, worlds) = (said.lines().filter(is_broken).count(), self.worlds().1);
        Some(format!("killed {count} times in at most {worlds}; {first}"))
    }

    /// What tells that test how long it is to be.
    fn worlds(self) -> (&'static str, u32) {
        match self {
            Campaign::Files(worlds) => ("SAFECP_SIM_WORLDS", worlds),
            Campaign::Trees(worlds) => ("SAFECP_SIM_TREES", worlds),
            Campaign::Targets(worlds) => ("SAFECP_SIM_TARGETS", worlds),
            Campaign::Shares(worlds) => ("SAFECP_SIM_SHARDS", worlds),
            Campaign::Lists(worlds) => ("SAFECP_SIM_LISTS", worlds),
            Campaign::Lies(lies) => ("SAFECP_LIES", lies),
        }
    }
}

/// A mutant that worlds with one file kill.
const fn mutant(name: &'static str, edits: &'static [(&'static str, &'static str)]) -> Mutant {
    Mutant { name, edits, seed: "1", campaign: Campaign::Files(200_000) }
}

/// A mutant that worlds with trees kill.
const fn of_trees(name: &'static str, edits: &'static [(&'static str, &'static str)]) -> Mutant {
    Mutant { name, edits, seed: "1", campaign: Campaign::Trees(200_000) }
}

/// A mutant that worlds with several targets kill.
const fn of_targets(name: &'static str, edits: &'static [(&'static str, &'static str)]) -> Mutant {
    Mutant { name, edits, seed: "1", campaign: Campaign::Targets(20_000) }
}

/// A mutant that worlds whose runs share a tree kill.
const fn of_shares(name: &'static str, edits: &'static [(&'static str, &'static str)]) -> Mutant {
    Mutant { name, edits, seed: "1", campaign: Campaign::Shares(4_000) }
}

/// A mutant that worlds with lists kill.
const fn of_lists(name: &'static str, edits: &'static [(&'static str, &'static str)]) -> Mutant {
    Mutant { name, edits, seed: "1", campaign: Campaign::Lists(10_000) }
}

/// A mutant that lies of a peer kill.
const fn of_lies(name: &'static str, edits: &'static [(&'static str, &'static str)]) -> Mutant {
    Mutant { name, edits, seed: "1", campaign: Campaign::Lies(4_000) }
}

const MUTANTS: &[Mutant] = &[
    of_lies(
        "a chunk that arrived damaged is taken",
        &[("let chunk = if chunk.is_right() { chunk } else { self.mended(file, chunk.number)? };", "")],
    ),
    of_lies(
        "what was asked for once more is taken as it comes",
        &[(
            "if chunk.bytes.is_empty() || chunk.is_right() {\n            return Ok(chunk);",
            "if true {\n            return Ok(chunk);",
        )],
    ),
    of_lies(
        "what arrived need not add up to what was read",
        &[("if !is_whole {\n            let name = quoted", "if false {\n            let name = quoted")],
    ),
    of_lies(
        "what was told before its bytes need not add up to that",
        &[("self.add_up(file, size, digest)?;\n                }", "self.stream.position = size;\n                }")],
    ),
    of_lies(
        "a source that reads as something else by now is copied on",
        &[("if self.stream.is_as_before(&mut chunk) {", "if self.stream.is_as_before(&mut chunk) || true {")],
    ),
    of_lies(
        "a name may lead elsewhere",
        &[("is_component(&entry.name).then(|| joined(&above.shown, name)),", "Some(joined(&above.shown, name)),")],
    ),
    of_lies(
        "an operand need not be one that was asked for",
        &[("None => self.operands.called(&entry.name).map(Path::to_owned),", "None => Some(name.to_owned()),")],
    ),
    of_lies("a frame is taken whatever its check says", &[("if found != check(&prefix, &head) {", "if false {")]),
    of_lies("a frame may be as long as it says", &[("if head > HEAD_MAX || body > BODY_MAX {", "if false {")]),
    of_lies(
        "what the other side read back is not compared",
        &[("if digest != *sent.digests.whole.as_bytes() || is_sealed", "if is_sealed")],
    ),
    of_lies(
        "a file without an answer has arrived",
        &[("std::mem::take(&mut self.files).into_values().for_each(|sent| self.misses(&sent.shown));", "")],
    ),
    of_lies(
        "a file that the other side does not have has arrived",
        &[("self.lacking.take().iter().for_each(|shown| self.misses(shown));", "")],
    ),
    of_lies(
        "the other side's word for a further name is believed",
        &[("if digest.is_some_and(|digest| !self.several.contains(&digest)) {", "if digest.is_some_and(|_| false) {")],
    ),
    of_lies(
        "more may be taken than was sent",
        &[("self.in_flight.checked_sub(bytes).ok_or_else(strange)?", "self.in_flight.saturating_sub(bytes)")],
    ),
    of_lists(
        "a missing name becomes a further one of a file that was changed",
        &[(
            "self.right = std::mem::take(&mut self.unproved).into_iter().find(holds);",
            "self.right = std::mem::take(&mut self.unproved).into_iter().find(|_| true);",
        )],
    ),
    of_lists(
        "what is mended has its name before it is on disk",
        &[("kernel.fsync(temporary.file()).map_err(|errno| Error::call(Action::Sync, &to_mend.shown, errno))?;", "")],
    ),
    of_lists(
        "what cannot be looked at is missing",
        &[(
            "let Some(OpenName { path, file, stat }) = self.open(record)? else {",
            "let Some(OpenName { path, file, stat }) = self.open(record).ok().flatten() else {",
        )],
    ),
    of_lists(
        "what cannot be read is as it is listed",
        &[("return Ok(Some(Finding::Unreadable { path: path.to_owned(), fault, error }));", "return Ok(None);")],
    ),
    of_lists(
        "what cannot be read is told, and stays",
        &[
            ("| Finding::Unreadable { path, fault: Fault::Damage, .. } => {", "=> {"),
            (
                "Finding::Failed(error) | Finding::Unreadable { fault: Fault::Change, error, .. } => {",
                "Finding::Failed(error) | Finding::Unreadable { fault: Fault::Change | Fault::Damage, error, .. } => {",
            ),
        ],
    ),
    of_lists(
        "a file that cannot be read is not mended from another copy",
        &[(
            "Ok(false) => {}
                Err(error) => unreadable.note(error),",
            "Ok(false) => {}
                Err(error) => return Err(error.into()),",
        )],
    ),
    of_shares(
        "shards write down what is not on disk",
        &[(
            "let synced = self.kernel.sync_filesystem(&self.witness);",
            "let synced = self.kernel.stat(&self.witness).map(drop);",
        )],
    ),
    of_shares("the end is told before it is on disk", &[("            self.sync(operands)?;\n", "")]),
    of_shares(
        "ranges are not compared with what is read at the end",
        &[("if tree.range(&range) != Some(*value) {", "if tree.range(&range).is_none() {")],
    ),
    of_shares(
        "ranges of what the source was count",
        &[("source: source_bits(ranged.source),", "source: ranged.number,")],
    ),
    of_shares(
        "names of one file go to several shards",
        &[(
            "(Allotment::Asked, Some(inode)) => self.falls_to_us(share_of(inode, count)),",
            "(Allotment::Asked, Some(_)) => self.falls_to_us(share_of_path(path, count)),",
        )],
    ),
    of_shares(
        "a part that was made anew is the same",
        &[("bits((stat.ino, birth.map(|birth| (birth.seconds, birth.nanos))))", "bits(birth.is_some())")],
    ),
    Mutant {
        campaign: Campaign::Files(800_000),
        ..mutant(
            "what was verified goes although the old file has gone",
            &[("else { return Some(MISSING) };", "else { return None };")],
        )
    },
    mutant(
        "what was verified goes if an old file has gone and the one under its name cannot be filled",
        &[(
            "                has_gone.set(true);\n                self.filled_own(",
            "has_gone.set(false);\n self.filled_own(",
        )],
    ),
    mutant(
        "an old file does not get its name back from its backup",
        &[(".map_err(|error| self.put_back(target, &kept, failed(error)))?;", ".map_err(failed)?;")],
    ),
    mutant(
        "what was verified stays only if it can be renamed",
        &[("Some(renamed.map_or(old, |(name, ())| name))", "renamed.ok().map(|(name, ())| name)")],
    ),
    mutant(
        "an old file is never removed to make room for what cannot be renamed over it",
        &[("            spot.remove(target)?;\n            has_gone.set(true);\n", "")],
    ),
    mutant(
        "a file is not made under its own name where temporaries have none",
        &[("if !may_be_the_name(refusal, job.facts.target_directory.honesty) {", "if refusal != Errno::NOTTY {")],
    ),
    of_trees(
        "a set-user-ID bit stays where the owner is another one",
        &[("self.options.keeps_set_ids && !is_given_away;", "self.options.keeps_set_ids;")],
    ),
    Mutant {
        campaign: Campaign::Files(2_000_000),
        ..mutant(
            "a source is read while its times can be given again",
            &[(
                "if !self.options.require_stable || source.stat.kind",
                "if source.stat.kind == Kind::File || source.stat.kind",
            )],
        )
    },
    of_trees(
        "what was written under its own name stays closed to others",
        &[("temporary.kept().is_some() || temporary.is_own() || self", "temporary.kept().is_some() || self")],
    ),
    of_trees(
        "a name that cannot be removed is not told",
        &[("self.push(name, Why::Kept(errno));", "let _ = (name, errno);")],
    ),
    of_trees(
        "a name that stays is no failure",
        &[("Ok(made) => Error::Refused(stays).with_complaints(complaints(&made)),", "Ok(made) => return Ok(made),")],
    ),
    mutant(
        "what a part holds is believed",
        &[("let is_held = found == bytes;", "let is_held = found.len() == bytes.len();")],
    ),
    mutant(
        "a hole of a part is taken for zeros that were written",
        &[(
            "Zeros::Written if is_held && !bytes.chunks(self.geometry.block / 8).any(is_zero) =>",
            "Zeros::Written if is_held =>",
        )],
    ),
    mutant("EINTR is not retried", &[("for _ in 1..ATTEMPTS {", "for _ in ATTEMPTS..ATTEMPTS {")]),
    mutant(
        "clones in other blocks are taken for clones in the same",
        &[("        && one.physical == other.physical\n", "")],
    ),
    mutant(
        "extents without a place are taken for extents in the same",
        &[("(one.flags | other.flags) & SAYS_NOTHING == 0", "(one.flags | other.flags) & TAIL == 0")],
    ),
    mutant(
        "a clone that ends early is taken for a whole one",
        &[(
            "(Some(_), None) | (None, Some(_)) => return Ok(false),",
            "(Some(_), None) | (None, Some(_)) => return Ok(true),",
        )],
    ),
    mutant(
        "a short write is not continued",
        &[(
            "Ok(count) => {\n                    bytes = bytes.get(count..).unwrap_or_default();",
            "Ok(count) => {\n                    bytes = bytes.get(bytes.len().max(count)..).unwrap_or_default();",
        )],
    ),
    mutant(
        "a short read is the end of the file",
        &[(
            "            count += read;\n        }\n        Ok(count)",
            "            count += read;\n            break;\n        }\n        Ok(count)",
        )],
    ),
    mutant(
        "an error of lseek is the end of the data",
        &[(
            "self.kernel.seek(self.source, what, offset).map_err(|e| Stopped::Failed(Action::Seek, e))",
            "self.kernel.seek(self.source, what, offset).or(Ok::<_, Stopped>(None))",
        )],
    ),
    mutant("--durable does not sync the file", &[("if self.options.durable || is_needed {", "if is_needed {")]),
    mutant(
        "an old file is replaced before the new one is on disk",
        &[("if self.options.durable || is_needed {", "if self.options.durable {")],
    ),
    mutant(
        "--durable does not sync the directory",
        &[("self.kernel.fsync(&dir).map_err(failed)", "self.kernel.stat(&dir).map(drop).map_err(failed)")],
    ),
    mutant(
        "FICLONE's 0 is believed",
        &[(
            "if matches!(self.options.verify, Verify::Nothing | Verify::Blake3) {\n            return Ok(Passed { size: probe.size",
            "if true {\n            return Ok(Passed { size: probe.size",
        )],
    ),
    mutant("the sizes are not compared", &[("if stat.size == size {", "if true {")]),
    mutant(
        "resident pages are overlooked",
        &[("Ok(_) => Residency::Dirty,\n            // Before", "Ok(_) => Residency::Nothing,\n            // Before")],
    ),
    mutant(
        "the source is not settled",
        &[("if let Some(settling) = rung.settling {", "if let Some(settling) = rung.settling.filter(|_| false) {")],
    ),
    mutant("the seek that settles a clone is left out", &[("(!for_clone || step(", "(true || step(")]),
    mutant(
        "a mapped file is cloned whatever its pages are after settling",
        &[("Residency::Clean if settling == Settling::ForMappedClone", "_ if settling == Settling::ForMappedClone")],
    ),
    mutant(
        "a mapped file is cloned on any release of ZFS",
        &[("&[(FIRST, MAPPED_CLONES_MEASURED)]", "&[(MAPPED_CLONES_MEASURED, MAPPED_CLONES_MEASURED)]")],
    ),
    mutant(
        "copy_file_range is asked once",
        &[(
            "                    at += count;\n                    if let Some(moving)",
            "                    at = probe.size.max(count);\n                    if let Some(moving)",
        )],
    ),
    mutant(
        "the next strategy gets the used temporary",
        &[
            ("        let mut lasts = None;\n", "        let (mut lasts, mut used) = (None, None);\n"),
            (
                "            let job = Job { facts, unfinished, ..job };\n            let sink = self.sink(&job, placement)?;",
                "            let (_, _) = (facts, unfinished);\n            let sink = match used.take() { Some(sink) => sink, None => self.sink(&job, placement)? };",
            ),
            ("sink.give_up(&job)?;", "used = Some(sink);"),
        ],
    ),
    mutant("a changed source is not noticed", &[("!source.stat.is_unchanged(&after)", "!after.is_unchanged(&after)")]),
    mutant(
        "a hole map is believed although the source changed",
        &[("if rung.strategy == Strategy::Extents\n", "if rung.strategy == Strategy::Reflink\n")],
    ),
    mutant(
        "old files are written over before anything is verified",
        &[("Kind::File => Placement::Replace,", "Kind::File => Placement::InPlace,")],
    ),
    mutant(
        "a failed temporary is not removed",
        &[("        match self.name.take() {", "        match self.name.take().filter(|_| false) {")],
    ),
    of_trees(
        "an old file with several names is emptied before a verified copy lies beside it",
        &[("if seen.has_other_names() => Placement::Rewrite,", "if seen.has_other_names() => Placement::InPlace,")],
    ),
    mutant(
        "a replaced file loses its flags",
        &[(
            "if wanted != to {\n            kernel.set_inode_flags",
            "if wanted != wanted {\n            kernel.set_inode_flags",
        )],
    ),
    mutant(
        "EOPNOTSUPP is fatal",
        &[("Errno::IO | Errno::NOMEM | Errno::NOSPC", "Errno::IO | Errno::OPNOTSUPP | Errno::NOMEM | Errno::NOSPC")],
    ),
    mutant("EIO means unsupported", &[("Errno::IO | Errno::NOMEM | Errno::NOSPC", "Errno::NOMEM | Errno::NOSPC")]),
    mutant(
        "an interrupted clone is fatal",
        &[("Errno::INTR => Verdict::Transient,", "Errno::INTR => Verdict::Fatal,")],
    ),
    mutant(
        "a mismatch is tried again by the same strategy",
        &[(
            "(self.rungs[last].strategy == Strategy::Stream).then_some(last)",
            "(self.rungs[last].strategy == Strategy::Stream).then_some(self.at)",
        )],
    ),
    mutant(
        "the table of known bugs is ignored",
        &[(
            "if let Some(row) = TABLE.iter().find(applies) {",
            "if let Some(row) = TABLE.iter().find(applies).filter(|_| false) {",
        )],
    ),
    mutant(
        "zfs_dmu_offset_next_sync=0 is ignored",
        &[(
            "(hint.falls_under(Hint::Clones) && self.offset_next_sync != Some(1))",
            "(hint.falls_under(Hint::Clones) && self.offset_next_sync.is_none())",
        )],
    ),
    mutant("an emptied file is cloned into on ZFS", &[("let emptied = is_old &&", "let emptied = false &&")]),
    mutant(
        "a replaced file loses its mode",
        &[("let mode = if keeps_bits { stat.mode } else { mode_after_writing(stat.mode) };", "let mode = 0o600;")],
    ),
    mutant(
        "the mode that a file was made with is taken for the source's",
        &[("if known == Some(mode) {", "if known.is_some() {")],
    ),
    mutant("a digest lacks pieces", &[("self.values.extend(other.values);", "")]),
    mutant(
        "holes of the target are not looked at",
        &[("if !self.mode.compares() {\n            return Ok(());", "if true {\n            return Ok(());")],
    ),
    mutant("ZFS's holes are believed", &[("(true, false) => Holes::Read,", "(true, false) => Holes::Believed,")]),
    mutant(
        "no way round a missing RENAME_NOREPLACE",
        &[(
            "Err(errno) if self.is_refused(errno) => {}\n            renamed",
            "Err(errno) if errno == Errno::NOSYS => {}\n            renamed",
        )],
    ),
    mutant(
        "a new file takes whatever name it finds",
        &[("target, RenameFlags::NOREPLACE) {", "target, RenameFlags::empty()) {")],
    ),
    mutant(
        "an error of close is swallowed",
        &[("self.kernel.close(target).map_err(", "self.kernel.close(target).or(Ok(())).map_err(")],
    ),
    mutant(
        "a symbolic link in the source is followed",
        &[(
            "Follow::No => (OFlags::NOFOLLOW, ResolveFlags::empty()),",
            "Follow::No => (OFlags::empty(), ResolveFlags::empty()),",
        )],
    ),
    mutant(
        "a fifo in the source is waited for",
        &[(
            "self.copier.open(source, OFlags::RDONLY).map_err(failed)?",
            "source.open(self.copier.kernel, OFlags::RDONLY).map_err(failed)?",
        )],
    ),
    mutant("no backup is made", &[("if self.options.backup == Backup::No {", "if true {")]),
    mutant(
        "the old target is renamed to its backup before the new one takes its name",
        &[(
            "Leaves::WhenReplaced => self.spot.kernel.link(self.old, self.spot.dir, name),",
            "Leaves::WhenReplaced => Err(Errno::OPNOTSUPP),",
        )],
    ),
    mutant("a failed copy leaves its backup", &[("self.kernel.unlink(spot.dir, &kept.name)", "Ok::<(), Errno>(())")]),
    mutant(
        "pages that stay cached are taken for the device",
        &[("            if is_gone() {", "            if is_gone() || true {")],
    ),
    mutant(
        "an old file stays whose bytes are not the source's",
        &[(
            "Ok(None) | Err(_) => return Ok(None),
        };
        if !self.attributes()",
            "Ok(None) | Err(_) => super::same::SameBytes { digests: None },
        };
        if !self.attributes()",
        )],
    ),
    Mutant {
        campaign: Campaign::Files(1_200_000),
        ..mutant(
            "an old file stays though its source changed while both were compared",
            &[(" && !self.has_changed(source)?;", ";")],
        )
    },
    mutant(
        "an old file stays that has another mode than its source",
        &[("            && (!preserve.mode.wanted() || stat.mode == found.mode)\n", "")],
    ),
    Mutant {
        seed: "5",
        campaign: Campaign::Files(1_200_000),
        ..mutant(
            "what lies in metadata is taken for the device",
            &[("is_none_or(|flags| flags & INLINE == 0)", "is_none_or(|flags| flags & INLINE == flags)")],
        )
    },
    of_trees(
        "every name of an inode is copied by itself",
        &[("if self.keeps_links(entry_pair, &stat) {", "if self.keeps_links(entry_pair, &stat) && stat.nlink == 0 {")],
    ),
    of_trees(
        "the inode number alone decides a hard link",
        &[("        if *self == *later {", "        if self.identity == later.identity {")],
    ),
    of_trees(
        "numbers are believed where they mean nothing",
        &[(
            "self.magic == ZFS || self.becomes_honest()\n    }\n\n    /// Whether a program",
            "true\n    }\n\n    /// Whether a program",
        )],
    ),
    of_trees(
        "a further name is linked to the link that the first was written through",
        &[("            && is_kind\n", "            && (is_kind || likeness == Likeness::Same)\n")],
    ),
    of_trees(
        "what a source's name was made for is linked to what -u left alone",
        &[("=> made.is_new && first.is_numbered,", "=> first.is_numbered,")],
    ),
    of_trees(
        "two old names of one file are written one over the other",
        &[(
            "Placement::Rewrite if is_another => Placement::Replace,",
            "Placement::Rewrite if is_another => Placement::Rewrite,",
        )],
    ),
    Mutant {
        campaign: Campaign::Trees(400_000),
        ..of_trees(
            "an old file is as old as the run has made it under another name",
            &[("map_or(found, |(before, _)| *before)", "map_or(found, |_| found)")],
        )
    },
    of_trees(
        "an operand is written through a link that another has made",
        &[(
            "MadeBefore::Operand => options.backup != Backup::Numbered,",
            "MadeBefore::Operand => stat.nlink == 1 && options.backup != Backup::Numbered,",
        )],
    ),
    of_trees(
        "two spellings of operands are not compared",
        &[("self.part(newcomer.dir, &[earlier.name.into()], name, shown)?;", "drop((earlier, name, shown));")],
    ),
    of_trees(
        "what a filter refuses is what a directory says",
        &[("Errno::NOTEMPTY | Errno::EXIST | Errno::NOSYS) => Ok(()),", "Errno::NOTEMPTY | Errno::EXIST) => Ok(()),")],
    ),
    of_trees(
        "a link in the place of a source directory is entered",
        &[(
            "Dereference::Never | Dereference::CommandLine => Follow::No,",
            "Dereference::Never | Dereference::CommandLine => Follow::Yes,",
        )],
    ),
    of_trees(
        "a link in the place of a target directory is entered",
        &[(
            "Self { dir: Some(dir), name, shown, follow: Follow::No }",
            "Self { dir: Some(dir), name, shown, follow: Follow::Yes }",
        )],
    ),
    of_trees(
        "the handles of levels are never closed",
        &[("if Arc::strong_count(pair) > 1 {", "if Arc::strong_count(pair) > 0 {")],
    ),
    of_trees(
        "directories do not get their attributes",
        &[(
            "let complaints = self.entries.copier.leave(&level, &pair);",
            "let complaints: Vec<Error> = std::iter::once(&pair).flat_map(|_| None).collect();",
        )],
    ),
    of_trees(
        "a name that failed is not told",
        &[(
            "if let Err(error) = done {\n            self.tell(Event::Failed(&error));",
            "if let Err(error) = done {\n            drop(error);",
        )],
    ),
    of_trees(
        "the first names of a directory are all of them",
        &[(
            "        if names.is_empty() {\n            self.state = State::Ended;",
            "        {\n            self.state = State::Ended;",
        )],
    ),
    of_trees(
        "a target operand that cannot be looked at is a new name",
        &[("(Err(errno), None) if is_no_directory(errno) =>", "(Err(errno), None) if errno != Errno::ISDIR =>")],
    ),
    of_trees(
        "a directory is asked once whether it hands down a list, whoever owns it",
        &[("Err(Errno::NODATA) => !stat.is_some_and(", "Err(Errno::NODATA) => stat.is_none() && !stat.is_some_and(")],
    ),
    of_trees(
        "a file of several names is emptied before its new content is verified",
        &[(
            "Kind::File if seen.has_other_names() => Placement::Rewrite,",
            "Kind::File if seen.has_other_names() => Placement::InPlace,",
        )],
    ),
    of_trees(
        "a stranger's link is written through",
        &[("if stat.uid != self.options.user && !is_systems {", "if stat.uid > u32::MAX - 1 && !is_systems {")],
    ),
    of_trees(
        "what has the name after a rename is not looked at",
        &[("if is_known && !was_renamed {", "if is_known || !was_renamed {")],
    ),
    of_trees(
        "the link that has the name after a rename is not looked at",
        &[(
            "if self.shows(making, target).map_err(failed)? {",
            "if self.shows(making, target).map_err(failed)? || target.dir.is_some() {",
        )],
    ),
    of_trees("-n replaces", &[("if options.overwrite == Overwrite::Never {", "if false {")]),
    of_trees(
        "what a link takes the place of is removed before",
        &[(
            "let commit = |_| self.replace_by(dir, target.name, known, give);",
            "let commit = |_| self.kernel.unlink(dir, target.name).and_then(|()| self.give(making, dir, target.name));\n\
             drop(give);",
        )],
    ),
    of_trees(
        "a group gets its names before it is written out",
        &[(
            "let synced = self.kernel.sync_filesystem(witness).is_ok();",
            "let synced = !std::ptr::eq(witness, std::ptr::null());",
        )],
    ),
    of_trees(
        "the last group of a tree is forgotten",
        &[("        descent.end();\n        self.commit_all();\n", "        descent.end();\n")],
    ),
    of_trees(
        "further names of an inode do not wait for the first",
        &[(
            "let may_wait = entry_pair.context.may_wait && waiting.is_some();",
            "let may_wait = entry_pair.context.may_wait;",
        )],
    ),
    of_targets("targets may meet", &[("        apart::check(self.kernel, operands)?;\n", "")]),
    of_targets("one target may lie within another", &[("passes(one_way, other_way)", "false")]),
    of_targets(
        "a target with failures is told to be complete",
        &[("fetch_add(failures, Ordering::Relaxed);", "fetch_add(failures * 0, Ordering::Relaxed);")],
    ),
    of_targets(
        "targets after the first are left out",
        &[("Order::InTurn => works.iter().for_each(run),", "Order::InTurn => works.iter().take(1).for_each(run),")],
    ),
];

impl Mutant {
    /// Whether it is meant by what was asked for: some words of its name, or the test that kills it.
    fn is_wanted(&self, wanted: &str) -> bool {
        wanted.split('|').any(|wanted| self.name.contains(wanted) || self.campaign.test() == wanted)
    }
}

/// A copy of the project that may be broken.
struct Workshop {
    root: PathBuf,
    target: PathBuf,
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a new directory");
    for entry in std::fs::read_dir(from).expect("a readable directory") {
        let path = entry.expect("a directory entry").path();
        let target = to.join(path.file_name().expect("entries have names"));
        if path.is_dir() {
            copy_tree(&path, &target);
        } else {
            std::fs::copy(&path, &target).expect("a copied file");
        }
    }
}

impl Workshop {
    fn new(root: &Path) -> Self {
        let project = project("");
        for part in ["src", "tests"] {
            copy_tree(&project.join(part), &root.join(part));
        }
        for file in ["Cargo.toml", "Cargo.lock"] {
            std::fs::copy(project.join(file), root.join(file)).expect("a copied file");
        }
        // The program is built with every test and not run here: its own copy of the engine would be half of the work.
        std::fs::write(root.join("src/main.rs"), "fn main() {}\n").expect("a program that does nothing");
        let target = std::env::var_os("SAFECP_MUTANTS_TARGET").map_or_else(|| root.join("target"), PathBuf::from);
        Self { root: root.to_owned(), target }
    }

    /// Builds and runs one campaign; what it printed, and whether it passed.
    fn campaign(&self, seed: &str, campaign: Campaign) -> (bool, String) {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let ((program, seed_variable), (variable, worlds)) = (campaign.program(), campaign.worlds());
        let output = Command::new(cargo)
            .args(["test", "--release", "--offline"])
            .args(program)
            .args([campaign.test(), "--", "--nocapture"])
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            // What is built is thrown away: the build should be short.
            .env("CARGO_INCREMENTAL", "1")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_DEBUG", "0")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env(seed_variable, seed)
            .env(variable, worlds.to_string())
            .output()
            .expect("cargo runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(campaign.mark()), "the campaign did not run:\n{said}");
        (output.status.success(), said)
    }

    /// Breaks the engine, runs the campaign, mends the engine. What the campaign found, if anything.
    fn kill(&self, mutant: &Mutant) -> Option<String> {
        let (path, sound) = place_of(mutant, &self.root.join("src"));
        std::fs::write(&path, broken(mutant, &sound)).expect("a written source file");
        let (_, said) = self.campaign(mutant.seed, mutant.campaign);
        std::fs::write(&path, sound).expect("a written source file");
        mutant.campaign.found(&said)
    }
}

/// The one file beneath a directory that has all of the mutant's texts once, and what it holds.
fn place_of(mutant: &Mutant, directory: &Path) -> (PathBuf, String) {
    let texts = files_beneath(directory)
        .into_iter()
        .map(|path| (path.clone(), std::fs::read_to_string(path).expect("a source file")));
    let has_all = |text: &str| mutant.edits.iter().all(|(old, _)| text.matches(old).count() == 1);
    let found: Vec<(PathBuf, String)> = texts.filter(|(_, text)| has_all(text)).collect();
    let places: Vec<&PathBuf> = found.iter().map(|(path, _)| path).collect();
    assert_eq!(places.len(), 1, "{}: one file must have the texts to change, not {places:?}", mutant.name);
    found.into_iter().next().expect("one")
}

/// All files of a directory and what is beneath it.
fn files_beneath(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files_beneath(&path) } else { vec![path] }).collect()
}

/// The file's text with the mutant's edits.
fn broken(mutant: &Mutant, sound: &str) -> String {
    mutant.edits.iter().fold(sound.to_owned(), |text, (old, new)| text.replacen(old, new, 1))
}

/// Every mutant still finds the text it changes: cheap, so always run.
#[test]
fn mutants_apply() {
    for mutant in MUTANTS {
        place_of(mutant, &project("src"));
    }
    assert!(MUTANTS.len() >= 18);
}

/// Every mutant is killed, and the code as it is lives. SAFECP_MUTANT=<words> tries those whose name
/// contains them, SAFECP_MUTANT=no_tree those of trees; `|` parts several.
/// SAFECP_MUTANTS_EVERY=2 tries every second one, from SAFECP_MUTANTS_FROM on.
#[test]
#[ignore = "builds the engine once for every mutant"]
fn mutants_die() {
    let wanted = std::env::var("SAFECP_MUTANT").unwrap_or_default();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let workshop = Workshop::new(directory.path());
    let every = number("SAFECP_MUTANTS_EVERY").map_or(1, |every| usize::try_from(every.max(1)).expect("a number"));
    let from = number("SAFECP_MUTANTS_FROM").map_or(0, |from| usize::try_from(from).expect("a number") % every);
    let sampled = MUTANTS.iter().skip(from).step_by(every);
    let mutants: Vec<&Mutant> = sampled.filter(|mutant| mutant.is_wanted(&wanted)).collect();
    assert!(!mutants.is_empty(), "no mutant is meant by that");
    let mut campaigns: Vec<(&str, Campaign)> = mutants.iter().map(|mutant| (mutant.seed, mutant.campaign)).collect();
    campaigns.sort_unstable();
    campaigns.dedup();
    for (seed, campaign) in campaigns {
        let (passed, said) = workshop.campaign(seed, campaign);
        assert!(passed, "the engine as it is fails:\n{said}");
    }
    let survivors: Vec<&str> =
        mutants.iter().filter(|mutant| !died(&workshop, mutant)).map(|mutant| mutant.name).collect();
    assert!(survivors.is_empty(), "survived: {survivors:?}");
}

fn died(workshop: &Workshop, mutant: &Mutant) -> bool {
    let broken = workshop.kill(mutant);
    println!("{}: {}", mutant.name, broken.as_deref().unwrap_or("SURVIVED"));
    broken.is_some()
}
