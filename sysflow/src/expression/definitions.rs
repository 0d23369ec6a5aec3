// SPDX-License-Identifier: Apache-2.0
//! Names that expressions may use beside those of attributes.

use std::collections::HashMap;

use super::Expression;

/// Macros, which stand for expressions, and lists, which stand for items in `in` and `pmatch`.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    macros: HashMap<String, Expression>,
    lists: HashMap<String, Vec<String>>,
}

impl Definitions {
    /// No definitions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Defines a macro; returns the one that had the name before.
    pub fn define_macro(
        &mut self,
        name: impl Into<String>,
        expression: Expression,
    ) -> Option<Expression> {
        self.macros.insert(name.into(), expression)
    }

    /// Defines a list; returns the one that had the name before. An item that is the name of a list
    /// stands for the items of that.
    pub fn define_list(
        &mut self,
        name: impl Into<String>,
        items: Vec<String>,
    ) -> Option<Vec<String>> {
        self.lists.insert(name.into(), items)
    }

    pub(super) fn macro_named(&self, name: &str) -> Option<(&str, &Expression)> {
        self.macros.get_key_value(name).map(|(name, expression)| (name.as_str(), expression))
    }

    pub(super) fn list_named(&self, name: &str) -> Option<(&str, &[String])> {
        self.lists.get_key_value(name).map(|(name, items)| (name.as_str(), items.as_slice()))
    }

    pub(super) fn macro_names(&self) -> impl Iterator<Item = &str> {
        self.macros.keys().map(String::as_str)
    }
}
