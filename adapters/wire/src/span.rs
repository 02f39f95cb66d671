/// A part of a text of at most 4 GiB. The empty one at its beginning stands for a part that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// From this byte up to that one.
    pub(crate) fn new(start: usize, end: usize) -> Option<Self> {
        Some(Self { start: start.try_into().ok()?, end: end.try_into().ok()? })
    }

    /// The place of `part` in `text`, of which it is a part. None if it is empty.
    pub(crate) fn of(text: &str, part: &str) -> Self {
        let place = || {
            let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
            let end = start.checked_add(part.len()).filter(|end| *end <= text.len())?;
            Self::new(start, end)
        };
        if part.is_empty() { Self::default() } else { place().unwrap_or_default() }
    }

    /// Whether nothing is there.
    pub(crate) const fn is_none(self) -> bool {
        self.end == 0
    }

    pub(crate) fn get(self, text: &str) -> Option<&str> {
        let (start, end) = (usize::try_from(self.start).ok()?, usize::try_from(self.end).ok()?);
        if self.is_none() { None } else { text.get(start..end) }
    }

    /// Whether `text` has this byte where it begins.
    pub(crate) fn begins_with(self, text: &str, byte: u8) -> bool {
        let first = usize::try_from(self.start).ok().and_then(|start| text.as_bytes().get(start));
        !self.is_none() && first == Some(&byte)
    }

    /// Of the place of a string, the place of what is between its quotes. `None` if nothing is.
    pub(crate) fn inside(self) -> Option<Self> {
        let (start, end) = (self.start.checked_add(1)?, self.end.checked_sub(1)?);
        (start < end).then_some(Self { start, end })
    }
}
