//! Differences that are meant, each with the reason for it. Every predicate is as narrow as it can be, and what each
//! excused is counted and printed, so that none of them grows into a blanket.

use super::case::{Case, Entry, Kind};
use super::compare::{Difference, Outcome, WORLD, What};
use super::tree;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// A case, how both runs of it ended, and the one difference that is looked at.
pub(crate) struct Evidence<'a> {
    pub(crate) case: &'a Case,
    pub(crate) reference: &'a Outcome,
    pub(crate) ours: &'a Outcome,
    pub(crate) difference: &'a Difference,
}

/// A reason, and which differences it explains.
pub(crate) struct Reason {
    /// The row of README's table, or a sentence.
    pub(crate) name: &'static str,
    explains: fn(&Evidence<'_>) -> bool,
}

pub(crate) const REASONS: &[Reason] = &[
    Reason { name: "an existing regular file is replaced whole by rename: new times of access", explains: replaced },
    Reason {
        name: "an existing regular file is replaced whole by rename: its directory changes",
        explains: renamed_in,
    },
    Reason { name: "-v for a name that fails: only what was done gets a line", explains: not_done },
    Reason { name: "reading a copy back is a read of it", explains: read_back },
    Reason {
        name: "what was there is not lost before what replaces it is verified: an old target stays",
        explains: kept,
    },
    Reason {
        name: "no new file stands under its name before it is verified: its directory does not change",
        explains: unborn,
    },
    Reason { name: "a target that cannot be read back, written in place, is refused", explains: unreadable },
    Reason {
        name: "a directory copied into itself is refused where the target comes up, and the rest is copied",
        explains: into_itself,
    },
    Reason {
        name: "a directory that is named for two targets is copied to both; GNU refuses the second",
        explains: two_targets,
    },
    Reason {
        name: "--parents copies into a directory that is there; GNU cannot make a/. or what an operand before made",
        explains: parents_of_a_dot,
    },
    Reason {
        name: "--parents: GNU takes a name for new, whatever has it, after an operand whose directories it made",
        explains: taken_for_new,
    },
    Reason {
        name: "--parents ./x: GNU sets the attributes of the target directory itself, or tries to",
        explains: attributes_of_a_dot,
    },
    Reason {
        name: "--parents treats directories as those that are copied: attributes, modes",
        explains: parents_attributes,
    },
    Reason { name: "a preserved time of access stays what it was", explains: kept_access },
    Reason {
        name: "blocks of zeros become holes where the source has fewer blocks than its size",
        explains: more_holes,
    },
    Reason { name: "looking where a link leads is a read of the link", explains: read_link },
    Reason {
        name: "a directory is not copied onto itself under another name, with --remove-destination either",
        explains: own_directory,
    },
    Reason { name: "what a directory named x/. replaces has its backup too", explains: backup_for_a_dot },
    Reason {
        name: "a directory that comes up again within another operand is copied again, without a warning",
        explains: within_another,
    },
    Reason {
        name: "a file that is named twice, with backups or --remove-destination: GNU links to a name that is gone, or finds it taken",
        explains: linked_to_nothing,
    },
    Reason { name: "a symbolic link by -s has no extended attributes of its source", explains: bare_links },
    Reason {
        name: "a new directory below one with a default list has the list's rights; GNU takes the umask's from them",
        explains: inherited_rights,
    },
    Reason {
        name: "what is made beneath a set-group-ID directory has its group; GNU drops that bit of a new directory whose source has no w",
        explains: inherited_group,
    },
    Reason { name: "of several things that are wrong, another is told", explains: other_words },
    Reason {
        name: "a mode that is preserved leaves no list that was inherited, or was that of the file that is replaced",
        explains: inherited,
    },
    Reason { name: "an attribute that cannot be set: GNU names it twice", explains: named_twice },
    Reason {
        name: "a symbolic link at the target inside a tree that leads out of it, or is somebody else's, is not written through",
        explains: leads_out,
    },
    Reason {
        name: "a link that --remove-destination or a backup takes away and that is the source is read first",
        explains: own_source,
    },
    Reason {
        name: "an existing regular file is replaced: attributes that its user cannot see are lost",
        explains: unseen,
    },
    Reason {
        name: "a set-user-ID or set-group-ID bit is dropped, and said, where its owner or group was not kept",
        explains: dropped_bits,
    },
    Reason {
        name: "--attributes-only with -l or -s makes links as without; GNU leaves what is in their way",
        explains: links_only,
    },
    Reason { name: "a directory's own handle serves where its rights forbid the way by its name", explains: by_handle },
    Reason {
        name: "of further names, the first that comes up is linked to: which one is the directory's affair",
        explains: other_first_name,
    },
    Reason { name: "a device or fifo that is written through keeps its attributes", explains: written_through },
    Reason { name: "--parents .. would lead out of the target directory, and is refused", explains: out_of_target },
    Reason { name: "a device that cannot be opened is not replaced by a file, with -f either", explains: kept_device },
    Reason { name: "an empty file is not read", explains: unread },
    Reason {
        name: "what GNU moved away as a backup, and then looks for where the backup was made through a link to here",
        explains: moved_away,
    },
    Reason {
        name: "a source that another one takes the place of is copied before or after that: the directory's order decides",
        explains: replaced_source,
    },
    Reason {
        name: "a file that comes up twice for one target: GNU links the name that is there once more to itself",
        explains: linked_to_itself,
    },
    Reason {
        name: "a sticky directory beneath a set-group-ID one inherits that bit and stays sticky; GNU sets its mode, which takes the bit from who is not in the group, or with --no-preserve=mode the other",
        explains: inherited_group_bit,
    },
    Reason {
        name: "an attribute of a file that nobody may write, over an old one of another owner or group: GNU closes that first, and is refused",
        explains: closed_first,
    },
    Reason {
        name: "a further name with -s is one of the symbolic link that was made: GNU follows that, and links the source itself",
        explains: linked_through,
    },
    Reason {
        name: "a copy that lacks an attribute that cannot be set: its further names are linked to it, where GNU makes one more copy of each",
        explains: copied_once_more,
    },
    Reason {
        name: "a directory that a link leads to has its own extended attributes; GNU asks the link",
        explains: followed_directory,
    },
    Reason {
        name: "--parents ./x x are two spellings of one target, which is made once, with backups too",
        explains: spelled_otherwise,
    },
    Reason {
        name: "a link at the target that leads in a circle is left alone with -n, -i and --update; GNU replaces it with -f",
        explains: circular_link,
    },
    Reason {
        name: "a directory whose own copy comes to stand at its name: its list is read before or after that",
        explains: copied_onto_itself,
    },
    Reason { name: "what comes after times that cannot be set is set all the same", explains: set_after_times },
    Reason {
        name: "a directory takes the place of a file that has its backup's name as well; GNU's rename does nothing then, and it fails",
        explains: backed_up_already,
    },
    Reason {
        name: "what -u left as it was is no copy: no further name is linked to it",
        explains: linked_to_what_was_left,
    },
];

fn spelled_otherwise(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let is_refusal = |line: &str| line.starts_with("cp: will not overwrite just-created ");
    let case = evidence.case;
    let backs_up = case.has('b', "--backup") || case.has('S', "--suffix");
    case.has('\0', "--paren")
        && backs_up
        && evidence.ours.ended.stderr.iter().any(|line| is_refusal(line))
        && match what {
            What::Status => reference == "0" && ours == "1",
            What::Stderr => is_refusal(ours),
            // A backup of what was made a moment before, which takes the place of the old file's own.
            What::Presence => ours == "nothing" && case.entry(path).is_none(),
            What::Stdout => false,
            _ => {
                let target = path.to_string_lossy().trim_end_matches('~').to_owned();
                let backup = evidence.ours.tree.get(&Path::new(WORLD).join(path)).map(|seen| seen.inode);
                case.entry(path).is_none()
                    && backup.is_some()
                    && backup == evidence.ours.inodes.get(Path::new(&target)).copied()
            }
        }
}

fn circular_link(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let case = evidence.case;
    let leads_to_itself = |entry: &Entry| match &entry.kind {
        Kind::Symlink(to) => {
            entry.path.parent().is_some_and(|above| without_returns(&above.join(to)).starts_with(&entry.path))
        }
        _ => false,
    };
    let stays = |entry: &Entry| {
        let seen = evidence.ours.tree.get(&Path::new(WORLD).join(&entry.path));
        leads_to_itself(entry) && seen.is_some_and(|seen| seen.kind == tree::Kind::Link)
    };
    let is_told = |line: &str| line.starts_with("cp: not replacing ") || line.starts_with("cp: overwrite ");
    let mut circles = case.entries.iter().filter(|entry| stays(entry));
    case.has('f', "--force")
        && (case.has('n', "--no-clob") || case.has('i', "--interact") || case.has('\0', "--update="))
        && match what {
            // Where GNU replaces it, a source that cannot be read is found out.
            What::Status => reference != ours && circles.next().is_some(),
            What::Stderr => {
                (is_told(ours) || reference.ends_with(" for reading: Permission denied")) && circles.next().is_some()
            }
            What::Modified => circles.any(|entry| entry.path.parent() == Some(path)),
            _ => circles.any(|entry| entry.path == *path),
        }
}

/// Such as c, where c/c is copied to c.
fn copied_onto_itself(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, .. } = evidence.difference;
    let case = evidence.case;
    let is_directory = |path: &Path| case.entry(path).is_some_and(|entry| entry.kind == Kind::Directory);
    let has_own = |entry: &Entry| {
        let Some(name) = entry.path.file_name() else { return false };
        path.join(name) == entry.path && is_directory(&entry.path) && is_directory(&entry.path.join(name))
    };
    let is_list = *what == What::Xattr && reference.starts_with("system.posix_acl_access=");
    case.is_recursive() && (is_list || *what == What::Mode) && case.entries.iter().any(has_own)
}

fn set_after_times(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, .. } = evidence.difference;
    let is_refusal = |line: &String| line.starts_with("cp: preserving times for ") && names(line, path);
    *what == What::Xattr
        && reference.ends_with("=none")
        && both_failed(evidence)
        && [evidence.reference, evidence.ours].iter().all(|outcome| outcome.ended.stderr.iter().any(is_refusal))
}

/// Of `cp -rbT s a` where a and a~ are one file.
fn backed_up_already(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, .. } = evidence.difference;
    let case = evidence.case;
    let is_failure = |line: &str| line.starts_with("cp: cannot create directory ") && line.ends_with(": File exists");
    let has_backups_name = |entry: &&Entry| {
        let backup = PathBuf::from(format!("{}~", entry.path.display()));
        let fails = |line: &String| is_failure(line) && names(line, &entry.path);
        names_of(evidence, &entry.path).any(|name| name == backup)
            && evidence.reference.ended.stderr.iter().any(fails)
            && evidence
                .ours
                .tree
                .get(&Path::new(WORLD).join(&entry.path))
                .is_some_and(|seen| seen.kind == tree::Kind::Directory)
    };
    let mut backed_up = case.entries.iter().filter(has_backups_name);
    (case.has('b', "--backup") || case.has('S', "--suffix"))
        && match what {
            What::Status => reference == "1" && backed_up.next().is_some(),
            What::Stderr => is_failure(reference) && backed_up.next().is_some(),
            _ => backed_up
                .any(|entry| path.starts_with(&entry.path) || names_of(evidence, &entry.path).any(|name| name == path)),
        }
}

/// Of `cp -du a b d`, where a and b are one file and d/a is newer: GNU makes d/b a name of d/a.
fn linked_to_what_was_left(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, .. } = evidence.difference;
    let case = evidence.case;
    let seen = |outcome: &'_ Outcome, path: &Path| outcome.tree.get(&Path::new(WORLD).join(path)).cloned();
    let is_left = |entry: &&Entry| {
        let stays = |outcome: &Outcome| !is_replaced_in(outcome, &entry.path);
        matches!(entry.kind, Kind::File(_) | Kind::Link(_)) && stays(evidence.reference) && stays(evidence.ours)
    };
    // With a name that differs and was not a link to it before.
    let is_parted = |left: &Entry, name: &Path| {
        let is_one = |outcome: &Outcome| {
            seen(outcome, name).zip(seen(outcome, &left.path)).is_some_and(|(one, other)| one.inode == other.inode)
        };
        is_one(evidence.reference) && !is_one(evidence.ours) && !names_of(evidence, &left.path).any(|old| old == name)
    };
    let parts = |left: &Entry| match what {
        What::HardLinks if left.path == *path => evidence
            .reference
            .tree
            .keys()
            .filter_map(|name| name.strip_prefix(WORLD).ok())
            .any(|name| is_parted(left, name)),
        _ => is_parted(left, path),
    };
    (case.has('u', "--update") || case.has('\0', "--update="))
        && !matches!(what, What::Status | What::Stdout | What::Stderr | What::Presence)
        && case.entries.iter().filter(is_left).any(parts)
}

/// A file that GNU wrote over is another one in our tree, with another time of access.
fn replaced(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, .. } = evidence.difference;
    *what == What::Accessed && is_replaced(evidence, path)
}

/// The directory of such a file was changed.
fn renamed_in(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let here = evidence.case.entries.iter().filter(|entry| entry.path.parent() == Some(path.as_path()));
    *what == What::Modified
        && ours == "now"
        && reference != "now"
        && here.map(|entry| entry.path.as_path()).any(|path| {
            // Where the rename is refused, as in a sticky directory, a temporary was there for a while.
            is_replaced(evidence, path) || both_failed(evidence) && is_told_of(evidence, path)
        })
}

/// A line of what failed, and the failure is told.
fn not_done(evidence: &Evidence<'_>) -> bool {
    let Difference { what, reference, ours, .. } = evidence.difference;
    let Some((source, target)) = reference.split_once(" -> ") else { return false };
    let target = target.split(" (backup: ").next().unwrap_or(target);
    *what == What::Stdout
        && ours.is_empty()
        && both_failed(evidence)
        && [source, target].iter().any(|name| is_told(evidence, name) || is_told(evidence, name.trim_matches('\'')))
}

/// A file that both wrote in place.
fn read_back(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let is_written = |outcome: &Outcome| {
        let seen = outcome.tree.get(&Path::new(WORLD).join(path));
        seen.is_some_and(|seen| seen.kind == tree::Kind::File && outcome.is_now(seen.modified))
            && !is_replaced_in(outcome, path)
    };
    // The backup of a target that is a name of the source.
    let is_backup = evidence.case.has('b', "--backup") && path.to_string_lossy().ends_with('~');
    *what == What::Accessed
        && ours == "now"
        && reference != "now"
        && (is_backup || is_written(evidence.ours) && is_written(evidence.reference))
}

/// A file that GNU emptied, wrote into or removed before it failed, and that safecp left alone and complained of.
fn kept(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, .. } = evidence.difference;
    let both_failed = both_failed(evidence);
    if *what == What::Stdout {
        let removed = reference.strip_prefix("removed ");
        let is_told = |name: &str| is_told(evidence, name.trim_matches('\'')) || cannot_open(evidence);
        return both_failed && (removed.is_some_and(is_told) || reference.ends_with(" (unbackup)"));
    }
    if *what == What::HardLinks {
        // The first name of a file, where GNU has removed that.
        let first = Path::new(&evidence.difference.ours);
        let has = |outcome: &Outcome| outcome.tree.contains_key(&Path::new(WORLD).join(first));
        return both_failed
            && has(evidence.ours)
            && !has(evidence.reference)
            && (is_told_of(evidence, first) || cannot_open(evidence));
    }
    let Some(entry) = evidence.case.entry(path) else { return false };
    let is_as_before = evidence.ours.tree.get(&Path::new(WORLD).join(path)).is_some_and(|seen| {
        (seen.modified.0, seen.modified.1) == (entry.modified.0, entry.modified.1.into())
            && !is_replaced_in(evidence.ours, path)
    });
    matches!(what, What::Content | What::Modified | What::Presence | What::Holes | What::Mode | What::Xattr)
        && both_failed
        && !matches!(entry.kind, Kind::Directory)
        && (is_as_before || matches!(entry.kind, Kind::Link(_)))
        && (names_of(evidence, path)
            .any(|name| is_told_of(evidence, name) || links_to(evidence, name).any(|link| is_told_of(evidence, link)))
            || cannot_open(evidence))
}

/// A directory in which GNU made a file, failed to fill it, and removed it.
fn unborn(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    // The working directory has no name in messages.
    let is_here = |line: &str| {
        path.as_os_str().is_empty() || names(line, path) || links_to(evidence, path).any(|link| names(line, link))
    };
    // A link is tried under another name where the first try fails.
    let is_failure = |line: &str| {
        line.starts_with("cp: failed to clone ")
            || line.starts_with("cp: cannot create hard link ") && line.ends_with(": Not a directory")
            || line.ends_with(": can make relative symbolic links only in current directory")
    };
    let failed_in = |line: &String| is_failure(line) && is_here(line);
    if *what == What::Presence && evidence.case.is_set("POSIXLY_CORRECT") {
        // Where a link leads that led nowhere.
        return both_failed(evidence) && ours == "nothing" && evidence.ours.ended.stderr.iter().any(failed_in);
    }
    *what == What::Modified
        && reference == "now"
        && ours != "now"
        && both_failed(evidence)
        && (evidence.ours.ended.stderr.iter().any(failed_in)
            || cannot_make_node(evidence)
            || cannot_open(evidence)
            || evidence.case.has('b', "--backup")
            || evidence.case.has('S', "--suffix"))
}

/// A file that may be written and not be read, and what follows from its refusal.
fn unreadable(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    // A list gives each his own rights.
    let has_list = |entry: &Entry| entry.xattrs.iter().any(|(name, _)| *name == "system.posix_acl_access");
    let is_closed_by_mode = |entry: &Entry| entry.mode & 0o444 != 0o444 && entry.mode & 0o222 != 0;
    let has_closed_mode =
        |entry: &Entry| matches!(entry.kind, Kind::File(_)) && (is_closed_by_mode(entry) || has_list(entry));
    let is_closed = |entry: &&Entry| match &entry.kind {
        Kind::Link(to) | Kind::Symlink(to) => evidence.case.entry(to).is_some_and(has_closed_mode),
        _ => has_closed_mode(entry),
    };
    let mut closed = evidence.case.entries.iter().filter(is_closed);
    let refuses = |line: &str, entry: &Entry| {
        line.ends_with(": Permission denied")
            && names(line, &entry.path)
            && !evidence.reference.ended.stderr.contains(&line.to_owned())
    };
    let is_refused = |entry: &Entry| evidence.ours.ended.stderr.iter().any(|line| refuses(line, entry));
    if evidence.case.as_nobody && evidence.case.has('f', "--force") {
        // With -f a new file takes its place, as that of one that cannot be opened, and its further names keep the old one.
        let is_touched =
            matches!(what, What::Mode | What::Owner | What::Xattr | What::Content | What::Modified | What::HardLinks);
        if is_touched
            && names_of(evidence, path).any(|name| evidence.case.entry(name).is_some_and(|entry| is_closed(&entry)))
        {
            return true;
        }
        let removed = ours.strip_prefix("removed ").map(|name| name.trim_matches('\''));
        if *what == What::Stdout
            && removed.is_some_and(|name| closed.clone().any(|entry| entry.path == Path::new(name)))
        {
            return true;
        }
        // Its times and its mode can be set.
        let is_set = |line: &String| {
            let words = ["cp: preserving times for ", "cp: preserving permissions for "];
            words.iter().any(|words| line.starts_with(words)) && closed.clone().any(|entry| names(line, &entry.path))
        };
        if matches!(what, What::Status | What::Stderr) && evidence.ours.ended.status == Some(0) {
            return evidence.reference.ended.stderr.iter().any(is_set);
        }
        // Where the directory takes no new file, it is refused as without -f.
    }
    evidence.case.as_nobody
        && evidence.ours.ended.status == Some(1)
        && match what {
            What::Stderr => closed.any(|entry| refuses(ours, entry)),
            What::Stdout => ours.is_empty() && reference.contains(" -> ") && closed.any(is_refused),
            What::Status => evidence.reference.ended.status == Some(0) && closed.any(is_refused),
            What::Content | What::Holes | What::Modified | What::Mode | What::Owner | What::Accessed | What::Xattr => {
                // By another name of the file too.
                evidence.case.entry(path).is_some() && closed.any(is_refused)
            }
            _ => false,
        }
}

/// Whether a line refuses to copy a directory into itself.
fn is_into_itself(line: &str) -> bool {
    line.starts_with("cp: cannot copy a directory, ") && line.contains(", into itself, ")
}

/// What became of a tree that contains its own target: GNU goes on until the first directory that it made comes up, or
/// names are too long.
fn into_itself(evidence: &Evidence<'_>) -> bool {
    let refuses = |outcome: &Outcome| outcome.ended.stderr.iter().any(|line| is_into_itself(line));
    let Difference { what, path, reference, ours } = evidence.difference;
    let is_refused = refuses(evidence.ours) && evidence.ours.ended.status == Some(1);
    // GNU goes on for as long as the test waits, where links lead in a circle.
    let has_failed = matches!(evidence.reference.ended.status, Some(1) | None);
    // GNU lets it be where nothing may be replaced, and refuses the second time.
    let is_passed_over = refuses(evidence.reference)
        && (evidence.case.has('n', "--update") || evidence.case.has('n', "--no-clob"))
        || refuses(evidence.reference) && evidence.case.has('\0', "--paren") && both_failed(evidence);
    // What GNU does not come to any more replaces what is in the target itself.
    let seen = |path: &Path| evidence.ours.tree.get(&Path::new(WORLD).join(path));
    let led = |source: PathBuf| match seen(&source)? {
        link if link.kind == tree::Kind::Link => {
            seen(&source.parent()?.join(OsStr::from_bytes(&link.content))).or(Some(link))
        }
        source => Some(source),
    };
    // Its source lies beneath one of the directories above, by the same way.
    let sources_of = |path: &Path| {
        let targets = path.ancestors().skip(1).filter_map(|target| Some((target, path.strip_prefix(target).ok()?)));
        let sources = targets.flat_map(|(target, way)| target.ancestors().skip(1).map(move |above| above.join(way)));
        sources.filter_map(led).collect::<Vec<_>>()
    };
    let sources = || sources_of(path);
    let is_copied =
        |path: &Path| seen(path).is_some_and(|copy| sources_of(path).iter().any(|from| copy.content == from.content));
    let is_copied_over = || is_copied(path) || names_of(evidence, path).any(is_copied);
    let case = evidence.case;
    let preserves = case.has('p', "--preserve") || case.has('a', "--archive");
    let user = if case.as_nobody { (65534, 65534) } else { (0, 0) };
    let has_owner_of_above = |outcome: &Outcome| {
        let is_owner =
            |source: &tree::Seen, copy: &tree::Seen| copy.owner == if preserves { source.owner } else { user };
        let copy = outcome.tree.get(&Path::new(WORLD).join(path));
        copy.is_some_and(|copy| sources().iter().any(|source| is_owner(source, copy)))
    };
    // A directory above was given its source's mode, and does not hand its group down any more.
    let hands_down = |entry: &Entry| entry.mode & 0o2000 != 0 && path.starts_with(&entry.path);
    let has_group_of_above = || {
        let is_one_user = reference.split(':').next() == ours.split(':').next();
        case.entry(path).is_none() && is_one_user && case.entries.iter().any(hands_down)
    };
    // What is there already, is the target, and is refused keeps its owner.
    let is_target = || seen(path).is_some_and(|copy| copy.kind == tree::Kind::Directory);
    (is_refused && has_failed || is_passed_over)
        && match what {
            // With -s, of several names of a source, the first that comes up is linked to.
            What::Content => {
                let is_link = |seen: &tree::Seen| seen.kind == tree::Kind::Link;
                is_copied_over() || case.has('s', "--symb") && seen(path).is_some_and(is_link)
            }
            What::Owner => {
                is_copied_over() && has_owner_of_above(evidence.ours)
                    || is_target() && has_owner_of_above(evidence.reference)
                    || has_group_of_above()
            }
            _ => true,
        }
}

/// GNU takes the second for a hard link to a directory, which it may be on some filesystems.
fn two_targets(evidence: &Evidence<'_>) -> bool {
    let refuses = |line: &String| line.starts_with("cp: will not create hard link ") && line.contains(" to directory ");
    evidence.reference.ended.status == Some(1) && evidence.reference.ended.stderr.iter().any(refuses)
}

fn parents_of_a_dot(evidence: &Evidence<'_>) -> bool {
    let made = ["cp: cannot create directory ", "cp: cannot create symbolic link ", "cp: cannot create hard link "];
    let refuses = |line: &String| made.iter().any(|words| line.starts_with(words)) && line.ends_with(": File exists");
    evidence.case.has('\0', "--paren") && evidence.reference.ended.stderr.iter().any(refuses)
}

/// A bare name that is named twice, and its backup: GNU does not look for what the first has made.
fn taken_for_new(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, .. } = evidence.difference;
    let is_refusal = |line: &&String| {
        let is_made = ["cp: cannot create fifo ", "cp: cannot create special file ", "cp: cannot create regular file "];
        is_made.iter().any(|words| line.starts_with(words)) && line.ends_with(": File exists")
    };
    let Some(line) = evidence.reference.ended.stderr.iter().find(is_refusal) else { return false };
    let words = evidence.case.words(Path::new(""));
    let is_told = |word: &&OsString| !word.to_string_lossy().contains('/') && names(line, Path::new(word));
    let Some(word) = words.iter().find(is_told) else { return false };
    let is_of_word = path.file_name().is_some_and(|name| name.as_bytes().starts_with(word.as_bytes()));
    let backs_up = evidence.case.has('b', "--backup") || evidence.case.has('S', "--suffix");
    let is_twice = words.iter().filter(|other| *other == word).count() > 1;
    // A file is refused whatever the options; of what is special, GNU has made a backup before.
    let is_file = line.starts_with("cp: cannot create regular file ");
    evidence.case.has('\0', "--paren")
        && (is_file || backs_up && is_twice)
        && !evidence.ours.ended.stderr.contains(line)
        && (matches!(what, What::Status | What::Stderr) || is_of_word && (is_file || *what == What::Presence))
}

/// A complaint of `target/.` alone.
fn attributes_of_a_dot(evidence: &Evidence<'_>) -> bool {
    let Difference { what, reference, .. } = evidence.difference;
    let is_of_a_dot =
        |line: &str| line.starts_with("cp: failed to preserve ") && line.ends_with("/.': Operation not permitted");
    let said = &evidence.reference.ended.stderr;
    evidence.case.has('\0', "--paren")
        && match what {
            What::Stderr => is_of_a_dot(reference),
            What::Status => reference == "1" && !said.is_empty() && said.iter().all(|line| is_of_a_dot(line)),
            _ => false,
        }
}

fn parents_attributes(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let seen = evidence.ours.tree.get(&Path::new(WORLD).join(path)).or_else(|| evidence.ours.tree.get(path));
    // A mode is in the list, too.
    let is_list = reference.starts_with("system.posix_acl_access=");
    (*what == What::Xattr && (is_list || [reference, ours].iter().any(|text| text.ends_with("=none")))
        || matches!(what, What::Mode | What::Owner | What::Modified | What::Accessed))
        && evidence.case.has('\0', "--paren")
        && seen.is_some_and(|seen| seen.kind == tree::Kind::Directory)
}

fn kept_access(evidence: &Evidence<'_>) -> bool {
    let Difference { what, reference, ours, .. } = evidence.difference;
    let preserves = evidence.case.has('p', "--preserve") || evidence.case.has('a', "--archive");
    // Of further names, the first that comes up is read before the second is looked at.
    let has_further_names = || evidence.case.entries.iter().any(|entry| matches!(entry.kind, Kind::Link(_)));
    *what == What::Accessed
        && preserves
        && (reference == "now" && ours != "now" || ours == "now" && reference != "now" && has_further_names())
}

fn more_holes(evidence: &Evidence<'_>) -> bool {
    let Difference { what, reference, ours, .. } = evidence.difference;
    let bytes = |text: &str| text.parse::<u64>().unwrap_or(0);
    *what == What::Holes && bytes(ours) < bytes(reference)
}

fn read_link(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, .. } = evidence.difference;
    let seen = evidence.ours.tree.get(&Path::new(WORLD).join(path));
    *what == What::Accessed && seen.is_some_and(|seen| seen.kind == tree::Kind::Link)
}

fn own_directory(evidence: &Evidence<'_>) -> bool {
    let Difference { what, .. } = evidence.difference;
    let is_refused = |line: &String| line.ends_with(" are the same file");
    let is_lost = *what == What::Presence && evidence.difference.reference == "nothing";
    (is_lost || matches!(what, What::Status | What::Stderr) && evidence.case.is_recursive())
        && evidence.case.has('\0', "--remove-destinatio")
        && evidence.ours.ended.stderr.iter().any(is_refused)
}

fn backup_for_a_dot(evidence: &Evidence<'_>) -> bool {
    let is_dot = |word: &OsString| {
        let word = word.to_string_lossy();
        word.trim_end_matches('/').ends_with("/.") || word.trim_end_matches('/').ends_with("..")
    };
    (evidence.case.has('b', "--backup") || evidence.case.has('S', "--suffix"))
        && evidence.case.words(Path::new("")).iter().any(is_dot)
        && match evidence.difference.what {
            What::Presence | What::Kind | What::Status | What::Stderr | What::HardLinks | What::Stdout => true,
            What::Modified | What::Owner => true,
            // An older backup.
            What::Content => evidence.difference.path.to_string_lossy().ends_with('~'),
            _ => false,
        }
}

fn within_another(evidence: &Evidence<'_>) -> bool {
    let Difference { what, reference, ours, .. } = evidence.difference;
    let is_warning = |line: &str| line.starts_with("cp: warning: source ") && line.ends_with(" more than once");
    let is_told_again = evidence.reference.ended.stderr.iter().any(|line| is_warning(line));
    let is_refused_as_itself = (evidence.case.has('n', "--no-clob") || evidence.case.has('\0', "--update"))
        && evidence.reference.ended.stderr.iter().any(|line| is_into_itself(line));
    // GNU remembers the first target of a directory alone.
    let is_third = evidence.case.words(Path::new("")).iter().any(|word| word.to_string_lossy().ends_with("/."));
    // With --update=none-fail what is in it is there by then.
    let is_there =
        |line: &str| is_told_again && evidence.case.has('\0', "--update") && line.starts_with("cp: not replacing ");
    match what {
        What::Stderr => {
            is_warning(reference) && ours.is_empty()
                || is_there(ours) && reference.is_empty()
                || is_warning(ours) && (both_failed(evidence) || is_third || is_refused_as_itself)
                || is_into_itself(reference) && evidence.ours.ended.stderr.iter().any(|line| is_warning(line))
        }
        What::Accessed => ours == "now" && is_told_again,
        // With -n the second is told to be a copy into itself.
        What::Status => {
            let told = &evidence.ours.ended.stderr;
            told.iter().any(|line| is_warning(line)) && is_refused_as_itself || told.iter().any(|line| is_there(line))
        }
        _ => false,
    }
}

fn linked_to_nothing(evidence: &Evidence<'_>) -> bool {
    let is_lost = |line: &String| {
        line.starts_with("cp: cannot create hard link ") && line.ends_with(": No such file or directory")
            || line.starts_with("cp: cannot create hard link ") && line.ends_with(": Operation not permitted")
            || line.starts_with("cp: cannot create regular file ") && line.ends_with(": File exists")
            || line.starts_with("cp: will not overwrite just-created ")
    };
    let Difference { what, path, .. } = evidence.difference;
    // With --remove-destination it has removed the first one by then.
    let is_gone = |line: &String| is_lost(line) && names(line, path);
    if *what == What::Presence && evidence.case.has('\0', "--remove-destinatio") {
        return evidence.reference.ended.stderr.iter().any(is_gone);
    }
    !matches!(what, What::Owner | What::Accessed | What::Kind)
        && (evidence.case.has('b', "--backup") || evidence.case.has('S', "--suffix"))
        && evidence.reference.ended.stderr.iter().any(is_lost)
}

fn bare_links(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let is_attempt = |line: &str| {
        line.starts_with("cp: setting attribute ") && line.ends_with(": Operation not permitted")
            || line.starts_with("cp: getting attribute ") && line.ends_with(": Permission denied")
    };
    let has_tried = evidence.reference.ended.stderr.iter().any(|line| is_attempt(line));
    if evidence.case.has('s', "--symb") && has_tried {
        match what {
            What::Stderr => return is_attempt(reference),
            What::Status => return reference == "1",
            // Those of trusted. and security. a link can have.
            _ => {}
        }
    }
    let seen = evidence.ours.tree.get(&Path::new(WORLD).join(path)).or_else(|| evidence.ours.tree.get(path));
    *what == What::Xattr
        && evidence.case.has('s', "--symb")
        && ours.ends_with("=none")
        && seen.is_some_and(|seen| seen.kind == tree::Kind::Link)
}

/// Rights and access list of a directory that was made, where some directory hands a list down.
fn inherited_rights(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let gives_lists = |entry: &Entry| entry.xattrs.iter().any(|(name, _)| *name == "system.posix_acl_default");
    let is_directory = |outcome: &Outcome| {
        outcome.tree.get(&Path::new(WORLD).join(path)).is_some_and(|seen| seen.kind == tree::Kind::Directory)
    };
    let is_access_list = |text: &str| text.starts_with("system.posix_acl_access=0x");
    (*what == What::Mode || *what == What::Xattr && is_access_list(reference) && is_access_list(ours))
        && evidence.case.entries.iter().any(gives_lists)
        && is_directory(evidence.ours)
        && is_directory(evidence.reference)
}

/// Both refuse, for one of several reasons each.
fn other_words(evidence: &Evidence<'_>) -> bool {
    let Difference { what, reference, ours, .. } = evidence.difference;
    let says = |words: &[&str]| words.iter().any(|word| reference.starts_with(word) || ours.starts_with(word));
    let in_the_way = [
        "cp: cannot overwrite directory ",
        "cp: cannot overwrite non-directory ",
        "cp: cannot create ",
        "cp: cannot make directory ",
        "cp: cannot open ",
        "cp: failed to clone ",
        "cp: cannot stat ",
        "cp: cannot access ",
        "cp: cannot backup ",
        "cp: backing up ",
        "cp: not writing through symlink ",
        "cp: not writing through symlink ",
        "cp: cannot copy cyclic symbolic link ",
        "cp: cannot copy cyclic symbolic link ",
        "cp: cannot remove ",
        "cp: not writing through dangling symlink ",
        "cp: failed to get attributes of ",
        "cp: preserving permissions for ",
        "cp: preserving times for ",
        "cp: clearing permissions for ",
        "cp: will not copy ",
    ];
    let is_in_the_way = [
        "File exists",
        "Is a directory",
        "Not a directory",
        "Permission denied",
        "No such device or address",
        "Too many levels of symbolic links",
        "cannot copy cyclic symbolic link",
        "through just-created symlink",
    ];
    let options = [
        "cp: invalid argument ",
        "cp: ambiguous argument ",
        "  - ",
        "Valid arguments are:",
        "cp: invalid option ",
        "cp: unrecognized option ",
        "cp: option requires an argument ",
        "cp: option '--",
        "cp: multiple target directories specified",
        "cp: -r not specified; omitting directory ",
        "cp: with --parents, the destination must be a directory",
        "cp: --reflink can be used only with --sparse=auto",
        "Try 'cp --help' for more information.",
        "cp: invalid UTF-8 ",
    ];
    let all = [evidence.reference, evidence.ours].map(|outcome| outcome.ended.stderr.join("\n"));
    let one_is_same = all.iter().any(|text| text.contains(" are the same file"));
    let both_are_same = all.iter().all(|text| text.contains(" are the same file"));
    let is_about_places = both_are_same
        || says(&in_the_way)
            && all
                .iter()
                .any(|text| is_in_the_way.iter().any(|reason| text.contains(reason)) || text.contains(" for "));
    let is_about_places = is_about_places
        || one_is_same
            && (says(&["cp: cannot overwrite ", "cp: will not copy "])
                || [reference, ours].iter().any(|text| text.ends_with(" are the same file")));
    let is_elsewhere =
        all.iter().any(|text| text.contains(": can make relative symbolic links only in current directory"));
    *what == What::Stderr && both_failed(evidence) && (is_about_places || is_elsewhere || says(&options))
}

/// The refusal, GNU's words for the same name if it refuses for another reason, and what GNU wrote there otherwise.
fn leads_out(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let is_refusal = |line: &str| {
        let is_anothers = line.contains(", which belongs to user ");
        line.starts_with("cp: not writing through symlink ")
            && (is_anothers || line.ends_with(", which leads out of the target"))
    };
    let is_refused = evidence.ours.ended.stderr.iter().any(|line| is_refusal(line));
    let seen = evidence.reference.tree.get(&Path::new(WORLD).join(path));
    let preserves = evidence.case.has('p', "--preserve") || evidence.case.has('a', "--archive");
    let is_written = seen
        .is_some_and(|seen| seen.kind == tree::Kind::File && (preserves || evidence.reference.is_now(seen.modified)));
    match what {
        What::Stderr => {
            // What is refused is not asked about.
            let asked = reference.strip_prefix("cp: overwrite ").and_then(|rest| rest.strip_suffix("? "));
            let is_refused_unasked = asked.is_some_and(|name| {
                evidence.ours.ended.stderr.iter().any(|line| is_refusal(line) && line.contains(name))
            });
            is_refusal(ours)
                || is_refused_unasked
                || is_refused && reference.starts_with("cp: not writing through dangling symlink ")
                || is_refused && reference.starts_with("cp: cannot overwrite ")
        }
        What::Status => is_refused && reference == "0" && ours == "1",
        What::Content | What::Modified | What::Presence => is_refused && is_written,
        _ => false,
    }
}

/// GNU gives its owner the right to write into a new directory by chmod, which takes the bit from who is not in the group.
fn inherited_group(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let is_directory = |entry: &&Entry| entry.kind == Kind::Directory;
    let mut directories = evidence.case.entries.iter().filter(is_directory);
    let gives_group = |entry: &Entry| {
        let is_above = path.parent().is_some_and(|parent| parent != entry.path && parent.starts_with(&entry.path));
        is_above && entry.mode & 0o2000 != 0 && ours.ends_with(&format!(":{}", entry.owner.1))
    };
    let is_new = evidence.case.entry(path).is_none();
    *what == What::Owner
        && evidence.case.as_nobody
        && is_new
        && reference == "65534:65534"
        && directories.clone().any(|entry| entry.mode & 0o200 == 0)
        && directories.any(gives_group)
}

/// GNU removes the target, finds that the source is gone with it, and has lost both.
fn own_source(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, .. } = evidence.difference;
    let is_lost = |path: &Path| {
        let is_there = |outcome: &Outcome| outcome.tree.contains_key(&Path::new(WORLD).join(path));
        let is_gone = |line: &String| {
            line.ends_with(" for reading: No such file or directory")
                || line.starts_with("cp: cannot create hard link ") && line.ends_with(": No such file or directory")
        };
        let lost = |line: &String| is_gone(line) && names(line, path);
        !is_there(evidence.reference) && is_there(evidence.ours) && evidence.reference.ended.stderr.iter().any(lost)
    };
    let mut links = evidence.case.entries.iter().filter(|entry| matches!(entry.kind, Kind::Symlink(_)));
    let is_gone = |line: &String| {
        line.ends_with(" for reading: No such file or directory")
            || evidence.case.has('l', "--lin")
                && line.starts_with("cp: cannot create hard link ")
                && line.ends_with(": No such file or directory")
    };
    if evidence.case.has('b', "--backup") || evidence.case.has('S', "--suffix") {
        // A link to a directory, whose name the new directory has by then, in which GNU finds nothing.
        let is_empty = |entry: &Entry| {
            let tree = &evidence.reference.tree;
            let place = Path::new(WORLD).join(&entry.path);
            let is_within = |path: &Path| path != place && path.starts_with(&place);
            tree.get(&place).is_some_and(|seen| seen.kind == tree::Kind::Directory)
                && !tree.keys().any(|path| is_within(path))
                && (matches!(what, What::Status | What::Stderr | What::Stdout) || path.starts_with(&entry.path))
        };
        let outcome = matches!(what, What::Presence | What::Kind | What::Status | What::Stderr)
            || *what == What::Stdout && reference.ends_with(" (unbackup)");
        return outcome && evidence.reference.ended.stderr.iter().any(is_gone) || links.any(is_empty);
    }
    evidence.case.has('\0', "--remove-destinatio")
        && evidence.ours.ended.status == Some(0)
        && match what {
            What::Presence => evidence.case.entry(path).is_some() && is_lost(path),
            What::Status => links.any(|entry| is_lost(&entry.path)),
            What::Stderr => {
                reference.ends_with(": No such file or directory") && links.any(|entry| is_lost(&entry.path))
            }
            _ => false,
        }
}

/// Attributes for root's eyes.
fn unseen(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    *what == What::Xattr
        && evidence.case.as_nobody
        && reference.starts_with("trusted.")
        && ours.ends_with("=none")
        && is_replaced(evidence, path)
}

/// Releases before 9.10 removed such a list as well.
fn inherited(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let gives_lists = |entry: &Entry| entry.xattrs.iter().any(|(name, _)| *name == "system.posix_acl_default");
    let case = evidence.case;
    let inode = |path: &Path| evidence.reference.tree.get(&Path::new(WORLD).join(path)).map(|seen| seen.inode);
    let is_a_name = |entry: &Entry| inode(path).is_some() && inode(&entry.path) == inode(path);
    *what == What::Xattr
        && reference.starts_with("system.posix_acl_")
        && ours.ends_with("=none")
        && (case.has('p', "--preserve") || case.has('a', "--archive"))
        && (case.entries.iter().any(gives_lists) || case.entries.iter().any(is_a_name))
}

fn dropped_bits(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let is_warning = |line: &str| line.starts_with("cp: warning: not preserving the set-");
    match what {
        What::Stderr => is_warning(ours),
        What::Mode => {
            let bits = |text: &str| u32::from_str_radix(text, 8).unwrap_or(0);
            let is_told = evidence.ours.ended.stderr.iter().any(|line| is_warning(line) && names(line, path));
            // Such a bit means nothing on what nobody can run.
            let seen = evidence.ours.tree.get(&Path::new(WORLD).join(path));
            let is_node = seen.is_some_and(|seen| !matches!(seen.kind, tree::Kind::File | tree::Kind::Directory));
            (is_told || is_node)
                && bits(reference) & !0o6000 == bits(ours) & !0o6000
                && bits(reference) & bits(ours) == bits(ours)
        }
        _ => false,
    }
}

fn links_only(evidence: &Evidence<'_>) -> bool {
    let case = evidence.case;
    let is_in_the_way = |line: &String| {
        line.starts_with("cp: cannot create ") && line.contains(" link ") && line.ends_with("File exists")
    };
    // With -l -u it makes a link anew that is there.
    let has_removed = |line: &String| line.starts_with("removed ");
    if case.has('l', "--lin") && case.has('u', "--update") && !evidence.ours.ended.stdout.iter().any(has_removed) {
        let Difference { what, reference, ours, .. } = evidence.difference;
        match what {
            What::Stdout if ours.is_empty() && has_removed(reference) => return true,
            What::Modified if reference == "now" && evidence.reference.ended.stdout.iter().any(has_removed) => {
                return true;
            }
            _ => {}
        }
    }
    case.has('\0', "--attr")
        && (case.has('l', "--lin") || case.has('s', "--symb"))
        && evidence.reference.ended.stderr.iter().any(is_in_the_way)
        && match evidence.difference.what {
            What::Owner => false,
            // What a link in the way says.
            What::Content => {
                case.entry(&evidence.difference.path).is_some_and(|entry| matches!(entry.kind, Kind::Symlink(_)))
            }
            _ => true,
        }
}

fn unread(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let seen = evidence.ours.tree.get(&Path::new(WORLD).join(path));
    *what == What::Accessed
        && reference == "now"
        && ours != "now"
        && seen.is_some_and(|seen| seen.kind == tree::Kind::File && seen.content.is_empty())
}

/// Rights of a directory that GNU could not set by a name such as `d/.`, once it had taken the right to search it.
fn by_handle(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, .. } = evidence.difference;
    let is_refused =
        |line: &str| line.starts_with("cp: preserving permissions for ") && line.ends_with(": Permission denied");
    let is_directory =
        evidence.ours.tree.get(&Path::new(WORLD).join(path)).is_some_and(|seen| seen.kind == tree::Kind::Directory);
    let ours = &evidence.ours.ended.stderr;
    if evidence.case.as_nobody && matches!(what, What::Status | What::Stderr) {
        // A new directory may have a list that lets its maker not in by its name.
        let hands_down = |entry: &Entry| entry.xattrs.iter().any(|(name, _)| *name == "system.posix_acl_default");
        let cannot_stat = |line: &String| line.starts_with("cp: cannot stat ") && line.ends_with(": Permission denied");
        let reference = &evidence.reference.ended.stderr;
        let is_led_in = evidence.case.entries.iter().any(hands_down) && reference.iter().any(cannot_stat);
        return (is_led_in || reference.iter().any(|line| is_refused(line))) && evidence.ours.ended.status == Some(0);
    }
    evidence.case.as_nobody
        && is_directory
        && evidence.reference.ended.stderr.iter().any(|line| is_refused(line))
        && !ours.iter().any(|line| is_refused(line))
        && matches!(what, What::Mode | What::Xattr | What::Accessed)
}

/// Both are symbolic links to names of one file.
fn other_first_name(evidence: &Evidence<'_>) -> bool {
    let Difference { what, reference, ours, .. } = evidence.difference;
    let inode = |text: &str| {
        let inside = Path::new(text.trim_matches('"').strip_prefix("$PWD/")?);
        let inside = &without_returns(inside);
        // With -L a link is one of the names.
        let led = match evidence.case.entry(inside).map(|entry| &entry.kind) {
            Some(Kind::Symlink(to)) if evidence.case.has('L', "--deref") => inside.parent()?.join(to),
            _ => inside.to_owned(),
        };
        evidence.ours.tree.get(&Path::new(WORLD).join(led)).map(|seen| seen.inode)
    };
    *what == What::Content
        && evidence.case.has('s', "--symb")
        && inode(reference).is_some()
        && inode(reference) == inode(ours)
}

/// A path without `.` and `..`, where what comes before each is a directory and no link.
fn without_returns(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components().filter(|component| *component != Component::CurDir) {
        if component != Component::ParentDir || !plain.pop() {
            plain.push(component);
        }
    }
    plain
}

fn written_through(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, .. } = evidence.difference;
    let seen = evidence.ours.tree.get(&Path::new(WORLD).join(path));
    let was_there = evidence.case.entry(path).is_some_and(|entry| matches!(entry.kind, Kind::Fifo | Kind::Device(..)));
    was_there
        && seen.is_some_and(|seen| seen.kind != tree::Kind::File)
        && matches!(what, What::Mode | What::Owner | What::Modified | What::Accessed)
}

fn out_of_target(evidence: &Evidence<'_>) -> bool {
    let is_refusal =
        |line: &String| line.starts_with("cp: cannot create directory ") && line.ends_with("..': File exists");
    evidence.case.has('\0', "--paren")
        && evidence.ours.ended.status == Some(1)
        && evidence.ours.ended.stderr.iter().any(is_refusal)
        && evidence
            .case
            .words(Path::new(""))
            .iter()
            .any(|word| word.to_string_lossy().trim_end_matches('/').ends_with(".."))
}

fn kept_device(evidence: &Evidence<'_>) -> bool {
    let Difference { what, .. } = evidence.difference;
    let cannot_open = |line: &String| {
        line.starts_with("cp: cannot create regular file ") && line.ends_with(": No such device or address")
    };
    evidence.case.has('f', "--force")
        && evidence.ours.ended.stderr.iter().any(cannot_open)
        && matches!(what, What::Status | What::Stderr | What::Kind | What::Mode | What::Modified)
}

fn moved_away(evidence: &Evidence<'_>) -> bool {
    let Difference { what, reference, .. } = evidence.difference;
    let is_lost =
        |line: &str| line.starts_with("cp: setting permissions for ") && line.ends_with(": No such file or directory");
    evidence.case.has('b', "--backup") | evidence.case.has('S', "--suffix")
        && evidence.reference.ended.stderr.iter().any(|line| is_lost(line))
        && (*what == What::Stderr && is_lost(reference) || *what == What::Status && reference == "1")
}

/// Of `cp -a c/. .` with c/x and c/c/x both copy c/c/x over c/x, and c/x to x: whichever comes up first.
fn replaced_source(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, .. } = evidence.difference;
    let case = evidence.case;
    let has_time_of = |outcome: &Outcome, path: &Path, entry: &Entry| {
        let seen = outcome.tree.get(&Path::new(WORLD).join(path));
        seen.is_some_and(|seen| seen.modified == (entry.modified.0, entry.modified.1.into()))
    };
    let outcomes = [evidence.reference, evidence.ours];
    let takes_its_place = |new: &Entry, old: &Entry| {
        new.path != old.path
            && new.path.file_name() == old.path.file_name()
            && new.modified != old.modified
            && outcomes.iter().all(|outcome| has_time_of(outcome, &old.path, new))
            && outcomes.iter().all(|outcome| [new, old].iter().any(|entry| has_time_of(outcome, path, entry)))
    };
    let is_replaced = |old: &Entry| {
        old.path != *path
            && old.path.file_name() == path.file_name()
            && case.entries.iter().any(|new| takes_its_place(new, old))
    };
    let is_of_an_entry = matches!(
        what,
        What::Content | What::Modified | What::Accessed | What::Mode | What::Owner | What::Xattr | What::Holes
    );
    // Or it was written in place, under another of its names.
    let is_written = |old: &Entry| {
        let is_now = |outcome: &&Outcome| {
            outcome.tree.get(&Path::new(WORLD).join(&old.path)).is_some_and(|seen| outcome.is_now(seen.modified))
        };
        old.path != *path
            && old.path.file_name() == path.file_name()
            && names_of(evidence, &old.path).count() > 1
            && outcomes.iter().all(is_now)
    };
    if is_of_an_entry && case.is_recursive() && case.entries.iter().any(is_written) {
        return evidence.reference.ended.status == evidence.ours.ended.status;
    }
    is_of_an_entry
        && case.is_recursive()
        && (case.has('p', "--preserve") || case.has('a', "--archive"))
        && evidence.reference.ended.status == evidence.ours.ended.status
        && case.entries.iter().any(is_replaced)
}

/// Of `cp -bu b b c` with a c/b that is not older. GNU gives c/b a temporary second name, and renames that to c/b.
fn linked_to_itself(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let case = evidence.case;
    let words = case.words(Path::new(""));
    let stays = |word: &&OsString| {
        let target = path.join(Path::new(word).file_name().unwrap_or_default());
        let is_file = case.entry(&target).is_some_and(|entry| entry.kind != Kind::Directory);
        is_file && [evidence.reference, evidence.ours].iter().all(|outcome| !is_replaced_in(outcome, &target))
    };
    let plain = |word: &OsString| without_returns(Path::new(word));
    let is_twice = |word: &&OsString| words.iter().filter(|other| plain(other) == plain(word)).count() > 1;
    // With -v it tells that the temporary name is removed, as the target's.
    let is_told_of = |word: &&OsString| {
        let name = Path::new(word).file_name().unwrap_or_default().to_string_lossy().into_owned();
        reference.starts_with("removed '") && reference.ends_with(&format!("/{name}'"))
    };
    let is_linked = |word: &&OsString| match what {
        What::Modified => reference == "now" && ours != "now" && stays(word),
        What::Stdout => is_told_of(word),
        _ => false,
    };
    // Of `cp -a d/. f ..`, where d/f and f are one file: GNU makes the further name once more.
    let is_file = |entry: &Entry| matches!(entry.kind, Kind::File(_) | Kind::Link(_));
    let comes_again = |word: &&OsString| {
        let name = Path::new(word).file_name().unwrap_or_default();
        let has_name = |entry: &&Entry| is_file(entry) && entry.path.file_name() == Some(name);
        names_of(evidence, Path::new(word)).filter(|other| other.file_name() == Some(name)).count() > 1
            && case.entries.iter().filter(has_name).count() > 1
    };
    let keeps_links = case.has('a', "--archive") || case.has('d', "--preserve");
    if *what == What::Modified && reference == "now" && ours != "now" && keeps_links {
        return words.iter().any(|word| comes_again(&word));
    }
    (case.has('b', "--backup") || case.has('S', "--suffix"))
        && case.has('u', "--update")
        && words.iter().filter(is_twice).any(|word| is_linked(&word))
}

fn followed_directory(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let case = evidence.case;
    let is_directory =
        evidence.ours.tree.get(&Path::new(WORLD).join(path)).is_some_and(|seen| seen.kind == tree::Kind::Directory);
    *what == What::Xattr
        && reference.ends_with("=none")
        && !ours.ends_with("=none")
        && is_directory
        && (case.has('L', "--dereference") || case.has('H', "-H"))
        && case.entries.iter().any(|entry| matches!(entry.kind, Kind::Symlink(_)))
}

/// mkdir(2) gives a new directory that bit.
fn inherited_group_bit(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let case = evidence.case;
    let bits = |text: &str| u32::from_str_radix(text, 8).unwrap_or(0);
    let is_sticky = |entry: &Entry| entry.kind == Kind::Directory && entry.mode & 0o1000 != 0;
    let gives_group = path.parent().and_then(|parent| case.entry(parent)).is_some_and(|above| above.mode & 0o2000 != 0);
    *what == What::Mode
        && case.as_nobody
        && case.entry(path).is_none()
        && gives_group
        && (bits(ours) == bits(reference) | 0o2000
            || case.has('\0', "--no-preserve") && bits(ours) == bits(reference) | 0o1000)
        && case.entries.iter().any(|entry| entry.path.file_name() == path.file_name() && is_sticky(entry))
}

fn named_twice(evidence: &Evidence<'_>) -> bool {
    let Difference { what, reference, ours, .. } = evidence.difference;
    let is_twice = || {
        let name = reference
            .strip_prefix("cp: setting attribute ")
            .or(reference.strip_prefix("cp: getting attribute "))?
            .split(": ")
            .next()?;
        name.split_once(" for ").or(name.split_once(" of ")).map(|(first, second)| first == second)
    };
    // GNU does not come to the mode any more.
    let is_told = |line: &String| line.starts_with("cp: getting attribute ");
    let is_demanded = evidence.case.has('\0', "--preserve") && evidence.reference.ended.stderr.iter().any(is_told);
    if *what == What::Mode {
        return is_demanded && both_failed(evidence);
    }
    *what == What::Stderr
        && (is_twice() == Some(true)
            || ["cp: setting attributes for ", "cp: getting attributes of "]
                .iter()
                .any(|words| ours.starts_with(words)))
}

/// Whether a device could not be made in the place of what GNU had removed by then.
fn cannot_make_node(evidence: &Evidence<'_>) -> bool {
    let fails = |line: &String| line.starts_with("cp: cannot create special file ");
    [evidence.reference, evidence.ours].iter().all(|outcome| outcome.ended.stderr.iter().any(fails))
}

/// Whether safecp found out, before it touched anything, that a source cannot be read.
fn cannot_open(evidence: &Evidence<'_>) -> bool {
    evidence.ours.ended.stderr.iter().any(|line| line.starts_with("cp: cannot open "))
}

fn both_failed(evidence: &Evidence<'_>) -> bool {
    [evidence.reference, evidence.ours].iter().all(|outcome| outcome.ended.status == Some(1))
}

fn is_told(evidence: &Evidence<'_>, name: &str) -> bool {
    evidence.ours.ended.stderr.iter().any(|line| line.contains(name))
}

/// Whether safecp complained of something of that name.
fn is_told_of(evidence: &Evidence<'_>, path: &Path) -> bool {
    evidence.ours.ended.stderr.iter().any(|line| names(line, path))
}

/// Whether a message has the path's last name, whole.
fn names(line: &str, path: &Path) -> bool {
    let Some(name) = path.file_name().map(|name| name.to_string_lossy()) else { return false };
    let plain = line.replace("'$'\\n''", "\n").replace("'$'\\377''", "\u{fffd}").replace("'\\''", "'");
    let borders = |text: &str| text.starts_with(['/', '\'', '"', ':']);
    plain.match_indices(&*name).any(|(start, _)| {
        let (before, after) = (&plain[..start], &plain[start + name.len()..]);
        before.ends_with(['/', '\'', '"']) && borders(after)
    })
}

/// All names that the recipe gives the file of this name.
fn names_of<'a>(evidence: &'a Evidence<'_>, path: &'a Path) -> impl Iterator<Item = &'a Path> {
    let file = |entry: &'a Entry| match &entry.kind {
        Kind::Link(file) => file.as_path(),
        _ => entry.path.as_path(),
    };
    let sought = evidence.case.entry(path).map(file);
    let entries = evidence.case.entries.iter().filter(move |entry| Some(file(entry)) == sought);
    entries.map(|entry| entry.path.as_path())
}

/// Symbolic links that name the file of this name, beside them or above.
fn links_to<'a>(evidence: &'a Evidence<'_>, path: &'a Path) -> impl Iterator<Item = &'a Path> {
    let leads =
        move |to: &Path, above: &Path| above.join(to) == path || to.strip_prefix("..").is_ok_and(|to| to == path);
    let entries = evidence.case.entries.iter().filter(move |entry| match (&entry.kind, entry.path.parent()) {
        (Kind::Symlink(to), Some(above)) => leads(to, above),
        _ => false,
    });
    entries.map(|entry| entry.path.as_path())
}

/// Whether another file took the name.
fn is_replaced_in(outcome: &Outcome, path: &Path) -> bool {
    let inode = outcome.tree.get(&Path::new(WORLD).join(path)).map(|seen| seen.inode);
    inode != outcome.inodes.get(path).copied()
}

/// Whether GNU left the file of that name what it was, and safecp made another.
fn is_replaced(evidence: &Evidence<'_>, path: &Path) -> bool {
    let inode = |outcome: &Outcome| outcome.tree.get(&Path::new(WORLD).join(path)).map(|seen| (seen.kind, seen.inode));
    let before = |outcome: &Outcome| outcome.inodes.get(path).map(|inode| (tree::Kind::File, *inode));
    let (reference, ours) = (evidence.reference, evidence.ours);
    inode(reference).is_some()
        && inode(reference) == before(reference)
        && inode(ours).is_some()
        && inode(ours) != before(ours)
}

/// GNU takes from an old file the rights that its source does not give (set_owner in copy.c), before it sets attributes.
fn closed_first(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let case = evidence.case;
    let Some(name) = reference.strip_suffix("=none").filter(|name| name.starts_with("user.")) else { return false };
    let is_source = |entry: &Entry, old: &Entry| {
        let has_it = entry.xattrs.iter().any(|(has, _)| *has == name);
        has_it && entry.mode & 0o200 == 0 && entry.owner != old.owner
    };
    *what == What::Xattr
        && !ours.ends_with("=none")
        && case.as_nobody
        && (case.has('p', "--preserve") || case.has('a', "--archive"))
        && case.entry(path).is_some_and(|old| case.entries.iter().any(|entry| is_source(entry, old)))
}

/// Of `cp -s --preserve=links $PWD/a $PWD/b c` where a and b are one file.
fn linked_through(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let seen = |outcome: &Outcome, path: &Path| {
        outcome.tree.get(&Path::new(WORLD).join(path)).map(|seen| (seen.kind, seen.inode))
    };
    let is_source = |inode: u64| evidence.reference.inodes.values().any(|source| *source == inode);
    let is_followed = |path: &Path| {
        seen(evidence.ours, path).is_some_and(|(kind, _)| kind == tree::Kind::Link)
            && seen(evidence.reference, path).is_some_and(|(kind, inode)| kind == tree::Kind::File && is_source(inode))
    };
    evidence.case.has('s', "--symb")
        && match what {
            What::Kind => is_followed(path),
            What::HardLinks => [reference, ours].iter().any(|first| is_followed(Path::new(first))),
            _ => false,
        }
}

/// GNU takes a copy whose attribute could not be set for one that failed, and remembers none of its names.
fn copied_once_more(evidence: &Evidence<'_>) -> bool {
    let Difference { what, path, reference, ours } = evidence.difference;
    let is_refused =
        |line: &String| line.starts_with("cp: setting attribute ") && line.ends_with(": Operation not permitted");
    *what == What::HardLinks
        && Path::new(reference) == path.as_path()
        && ours != reference
        && evidence.reference.ended.status != Some(0)
        && evidence.reference.ended.stderr.iter().any(is_refused)
}

/// The reason for this difference, by its number.
pub(crate) fn reason(evidence: &Evidence<'_>) -> Option<usize> {
    REASONS.iter().position(|reason| (reason.explains)(evidence))
}
