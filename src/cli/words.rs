//! Words that stand for values, as GNU's programs read them: whole, or abbreviated as far as the value is clear.

use super::usage_error::{ParseError, Result};

/// The value that a word, or the beginning of words for just one value, stands for.
pub(super) fn one_of<T: Copy + PartialEq>(context: &str, word: &str, table: &[(&'static str, T)]) -> Result<T> {
    if let Some((_, value)) = table.iter().find(|(name, _)| *name == word) {
        return Ok(*value);
    }
    let mut begins = table.iter().filter(|(name, _)| name.starts_with(word)).map(|(_, value)| *value);
    let first = begins.next();
    if let Some(value) = first.filter(|value| begins.all(|other| other == *value)) {
        return Ok(value);
    }
    let same = table.chunk_by(|one, next| one.1 == next.1);
    let valid = same.map(|same| same.iter().map(|(name, _)| *name).collect()).collect();
    let (word, context, is_ambiguous) = (word.to_owned(), context.to_owned(), first.is_some());
    Err(ParseError::Word { word, context, is_ambiguous, valid })
}
