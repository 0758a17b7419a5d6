//! GNU cp's options as cases draw them, and which of them both programs have.

use super::programs::Program;
use super::random::Random;

/// One way to say one option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Letter(char),
    /// With a value after `=`, where it has one.
    Long(&'static str),
    Valued(&'static str, &'static str),
    /// An option whose value is a directory of the world.
    Directory(&'static str),
}

/// All of cp's options but those for security contexts, which need a kernel that has them. How often each is drawn, and
/// what the help of a program that has it shows.
const CHOICES: &[(u32, &str, Choice)] = &[
    (2, "-a", Choice::Letter('a')),
    (1, "--archive", Choice::Long("--archive")),
    (2, "--attributes-only", Choice::Long("--attributes-only")),
    (3, "-b", Choice::Letter('b')),
    (1, "--backup", Choice::Long("--backup")),
    (1, "--backup", Choice::Long("--backup=numbered")),
    (1, "--backup", Choice::Long("--backup=t")),
    (1, "--backup", Choice::Long("--backup=existing")),
    (1, "--backup", Choice::Long("--backup=simple")),
    (1, "--backup", Choice::Long("--backup=none")),
    (1, "--backup", Choice::Long("--backup=off")),
    (1, "--copy-contents", Choice::Long("--copy-contents")),
    (2, "-d", Choice::Letter('d')),
    (3, "-f", Choice::Letter('f')),
    (1, "--force", Choice::Long("--force")),
    (2, "-i", Choice::Letter('i')),
    (1, "--interactive", Choice::Long("--interactive")),
    (2, "-H", Choice::Letter('H')),
    (3, "--keep-directory-symlink", Choice::Long("--keep-directory-symlink")),
    (2, "-l", Choice::Letter('l')),
    (1, "--link", Choice::Long("--link")),
    (3, "-L", Choice::Letter('L')),
    (1, "--dereference", Choice::Long("--dereference")),
    (2, "-n", Choice::Letter('n')),
    (1, "--no-clobber", Choice::Long("--no-clobber")),
    (2, "-P", Choice::Letter('P')),
    (1, "--no-dereference", Choice::Long("--no-dereference")),
    (4, "-p", Choice::Letter('p')),
    (1, "--preserve", Choice::Long("--preserve")),
    (1, "--preserve", Choice::Long("--preserve=all")),
    (1, "--preserve", Choice::Long("--preserve=links")),
    (1, "--preserve", Choice::Long("--preserve=mode")),
    (1, "--preserve", Choice::Long("--preserve=ownership")),
    (1, "--preserve", Choice::Long("--preserve=timestamps")),
    (1, "--preserve", Choice::Long("--preserve=xattr")),
    (1, "--preserve", Choice::Long("--preserve=mode,xattr,links")),
    (1, "--no-preserve", Choice::Long("--no-preserve=mode")),
    (1, "--no-preserve", Choice::Long("--no-preserve=ownership,timestamps")),
    (1, "--no-preserve", Choice::Long("--no-preserve=all")),
    (1, "--no-preserve", Choice::Long("--no-preserve=links,xattr")),
    (4, "--parents", Choice::Long("--parents")),
    (1, "--recursive", Choice::Long("--recursive")),
    (1, "--reflink", Choice::Long("--reflink")),
    (2, "--reflink", Choice::Long("--reflink=auto")),
    (2, "--reflink", Choice::Long("--reflink=never")),
    (3, "--remove-destination", Choice::Long("--remove-destination")),
    (1, "--sparse", Choice::Long("--sparse=auto")),
    (2, "--sparse", Choice::Long("--sparse=always")),
    (1, "--sparse", Choice::Long("--sparse=never")),
    (1, "--sparse", Choice::Valued("--sparse", "always")),
    (2, "--strip-trailing-slashes", Choice::Long("--strip-trailing-slashes")),
    (2, "-s", Choice::Letter('s')),
    (1, "--symbolic-link", Choice::Long("--symbolic-link")),
    (2, "-S", Choice::Valued("-S", ".bak")),
    (1, "--suffix", Choice::Long("--suffix=~~")),
    (1, "--suffix", Choice::Long("--suffix=")),
    (3, "-t", Choice::Directory("-t")),
    (1, "--target-directory", Choice::Directory("--target-directory")),
    (4, "-T", Choice::Letter('T')),
    (1, "--no-target-directory", Choice::Long("--no-target-directory")),
    (3, "-u", Choice::Letter('u')),
    (1, "--update[=", Choice::Long("--update")),
    (1, "--update[=", Choice::Long("--update=all")),
    (2, "--update[=", Choice::Long("--update=none")),
    (2, "none-fail", Choice::Long("--update=none-fail")),
    (1, "--update[=", Choice::Long("--update=older")),
    (6, "-v", Choice::Letter('v')),
    (1, "--verbose", Choice::Long("--verbose")),
    (1, "-x", Choice::Letter('x')),
    (1, "--one-file-system", Choice::Long("--one-file-system")),
];

/// What no cp understands, drawn rarely.
const NONSENSE: [Choice; 6] = [
    Choice::Letter('y'),
    Choice::Long("--nonsense"),
    Choice::Long("--preserve=nonsense"),
    Choice::Long("--sparse=nonsense"),
    Choice::Long("--no-preserve=mode,nonsense"),
    Choice::Long("--no-preserve"),
];

/// The choices that both programs have, and what the others need.
pub(crate) struct Options {
    choices: Vec<(u32, Choice)>,
    pub(crate) left_out: Vec<String>,
}

impl Options {
    /// Asks both programs' help. `without` are further words to leave out.
    pub(crate) fn of(reference: &Program, ours: &Program, without: &[&str]) -> Self {
        let mut options = Self { choices: Vec::new(), left_out: Vec::new() };
        for (weight, needs, choice) in CHOICES {
            let lacking: Vec<&str> = [(reference, "the reference"), (ours, "safecp")]
                .iter()
                .filter(|(program, _)| !needs.is_empty() && !program.offers(needs))
                .map(|(_, name)| *name)
                .collect();
            let unwanted = without.iter().any(|word| choice.says(word));
            if lacking.is_empty() && !unwanted {
                options.choices.push((*weight, *choice));
                continue;
            }
            let reason = if unwanted { "unwanted".to_owned() } else { format!("not in {}", lacking.join(", ")) };
            let line = format!("{} ({reason})", choice.word());
            if !options.left_out.contains(&line) {
                options.left_out.push(line);
            }
        }
        options.left_out.push("-Z, --context, --preserve=context (need a kernel with security contexts)".to_owned());
        if without.contains(&"POSIXLY_CORRECT") {
            options.left_out.push("POSIXLY_CORRECT (unwanted)".to_owned());
        }
        options
    }

    /// All options, for whoever needs no program.
    pub(crate) fn everything() -> Self {
        let choices = CHOICES.iter().map(|(weight, _, choice)| (*weight, *choice)).collect();
        Self { choices, left_out: Vec::new() }
    }

    pub(crate) fn pick(&self, random: &mut Random) -> Option<Choice> {
        if random.once_in(100) {
            return Some(random.pick(&NONSENSE));
        }
        let sum: u32 = self.choices.iter().map(|(weight, _)| weight).sum();
        let mut number = random.below(sum.into());
        for (weight, choice) in &self.choices {
            match number.checked_sub((*weight).into()) {
                Some(rest) => number = rest,
                None => return Some(*choice),
            }
        }
        None
    }

    pub(crate) fn has_backups(&self) -> bool {
        self.choices.iter().any(|(_, choice)| *choice == Choice::Letter('b'))
    }

    pub(crate) fn has_posix(&self) -> bool {
        !self.left_out.iter().any(|line| line.starts_with("POSIXLY_CORRECT"))
    }
}

impl Choice {
    fn word(self) -> String {
        match self {
            Self::Letter(letter) => format!("-{letter}"),
            Self::Long(word) => word.to_owned(),
            Self::Valued(option, value) => format!("{option} {value}"),
            Self::Directory(option) => option.to_owned(),
        }
    }

    /// Whether this is that option, with whatever value.
    pub(crate) fn says(self, word: &str) -> bool {
        self.word().split(['=', ' ']).next() == Some(word) || self.word() == word
    }
}
