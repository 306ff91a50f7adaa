//! What is found while a file is read.

use std::ops::Range;

use crate::config::fault::{Fault, Source};
use crate::config::text::Text;

/// What is found while a file is read: all of it is told, not only the first.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) source: Source,
    pub(super) faults: Vec<Fault>,
    pub(super) warnings: Vec<String>,
}

impl Report {
    pub(super) fn new(source: Source) -> Self {
        Self { source, faults: Vec::new(), warnings: Vec::new() }
    }

    /// Something is wrong at these bytes.
    pub(super) fn fault(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.faults.push(Fault::new(&self.source, span, message));
    }

    /// Something is wrong, and this can be done about it.
    pub(super) fn fault_with_hint(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.faults.push(Fault::new(&self.source, span, message).hint(hint));
    }

    /// The value of a text, where there is nothing wrong with it.
    pub(super) fn value<T: Clone>(&mut self, text: &Text<T>) -> Option<T> {
        match &text.value {
            Ok(value) => Some(value.clone()),
            Err(message) => {
                self.fault(text.span.clone(), message);
                None
            }
        }
    }

    /// The values of texts with which nothing is wrong.
    pub(super) fn values<T: Clone>(&mut self, texts: &[Text<T>]) -> Vec<T> {
        texts.iter().filter_map(|text| self.value(text)).collect()
    }

    /// Something looks wrong.
    pub(super) fn warn(&mut self, span: Range<usize>, message: impl Into<String>, hint: &str) {
        let fault = Fault::new(&self.source, span, message).hint(hint);
        self.warnings.push(fault.to_string());
    }

    /// The line at which these bytes begin.
    pub(super) fn line(&self, span: Range<usize>) -> usize {
        Fault::new(&self.source, span, "").position().0
    }
}
