// SPDX-License-Identifier: Apache-2.0
//! Trees to predicates: names are looked up and types checked.

use std::ops::Range;

use super::check::{Check, TextCheck, finder};
use super::literal::{self, OpenFlag};
use super::predicate::{Source, Test, order};
use super::tree::{Membership, Node, Operand, Relation, Tree};
use super::{Definitions, Error, Expression};
use crate::attribute::{ALL, Attribute, Operations, Type, similar};
use crate::record::{OpFlags, OpenFlags};

/// Comparisons and items that an expression may become when its macros and lists are expanded.
const MOST: usize = 1 << 20;

/// Parts of an expression inside each other, at most, when its macros are expanded.
const DEEPEST: usize = 400;

pub(super) struct Compiler<'a> {
    definitions: &'a Definitions,
    /// What is being compiled: the expression, or a macro in it.
    text: &'a str,
    /// The macros and lists being expanded.
    open: Vec<&'a str>,
    left: usize,
    depth: usize,
}

/// An operand, looked up.
enum Meaning<'t> {
    Attribute(Source),
    Constant(&'t str),
}

type Compiled<T> = Result<T, Error>;

impl<'a> Compiler<'a> {
    pub(super) fn new(definitions: &'a Definitions) -> Self {
        Self { definitions, text: "", open: Vec::new(), left: MOST, depth: 0 }
    }

    pub(super) fn expression(&mut self, expression: &'a Expression) -> Compiled<Test> {
        let outer = std::mem::replace(&mut self.text, expression.text());
        let test = self.tree(&expression.root);
        self.text = outer;
        test
    }

    fn error(&self, message: impl Into<String>, span: &Range<usize>) -> Error {
        Error::new(message, span.clone(), self.text)
    }

    fn tree(&mut self, node: &'a Node<Tree>) -> Compiled<Test> {
        if self.depth == DEEPEST {
            return Err(
                self.error(format!("macros are nested more than {DEEPEST} deep"), &node.span)
            );
        }
        self.depth += 1;
        let test = self.part(node);
        self.depth -= 1;
        test
    }

    fn part(&mut self, node: &'a Node<Tree>) -> Compiled<Test> {
        match &node.part {
            Tree::Or(parts) => self.trees(parts).map(Test::Any),
            Tree::And(parts) => self.trees(parts).map(Test::All),
            Tree::Not(part) => self.tree(part).map(|test| Test::Not(Box::new(test))),
            Tree::Name(name) => self.name(name, &node.span),
            Tree::Exists(operand) => {
                let source = self.attribute(operand)?;
                self.leaf(node, Test::Check(source, Check::Exists))
            }
            Tree::Compare(left, relation, right) => {
                let test = self.compare(left, *relation, right)?;
                self.leaf(node, test)
            }
            Tree::Among(left, membership, items) => {
                let source = self.attribute(left)?;
                let check = self.among(source, *membership, items)?;
                self.leaf(node, Test::Check(source, check))
            }
        }
    }

    fn trees(&mut self, parts: &'a [Node<Tree>]) -> Compiled<Box<[Test]>> {
        parts.iter().map(|part| self.tree(part)).collect()
    }

    fn leaf(&mut self, node: &Node<Tree>, test: Test) -> Compiled<Test> {
        self.spend(&node.span).map(|()| test)
    }

    /// Counts comparisons and items: macros of macros and lists of lists can multiply.
    fn spend(&mut self, span: &Range<usize>) -> Compiled<()> {
        let left = self.left.checked_sub(1).ok_or_else(|| {
            self.error(format!("this expands to more than {MOST} comparisons and items"), span)
        })?;
        self.left = left;
        Ok(())
    }

    fn name(&mut self, name: &'a str, span: &Range<usize>) -> Compiled<Test> {
        if let Some((name, expression)) = self.definitions.macro_named(name) {
            if self.open.contains(&name) {
                return Err(self.error(format!("macro \"{name}\" refers to itself"), span));
            }
            self.open.push(name);
            let test = self.expression(expression);
            self.open.pop();
            return test;
        }
        match Attribute::by_name(name) {
            Some(attribute) if attribute.kind == Type::Boolean => {
                let source = Source { attribute, index: None };
                Ok(Test::Check(source, Check::Bool(true)))
            }
            Some(_) => {
                let message = format!("\"{name}\" is no condition; compare it, or add \"exists\"");
                Err(self.error(message, span))
            }
            None => {
                let known = self.definitions.macro_names().chain(attribute_names());
                let message = format!("unknown macro or attribute \"{name}\"");
                Err(self.error(message + &did_you_mean(name, known), span))
            }
        }
    }

    /// The attribute that an operand names, as it must.
    fn attribute(&self, operand: &Node<Operand>) -> Compiled<Source> {
        match (self.meaning(operand)?, &operand.part) {
            (Meaning::Attribute(source), _) => Ok(source),
            (Meaning::Constant(name), Operand::Word(..)) => Err(self.unknown(name, &operand.span)),
            (Meaning::Constant(_), Operand::Quoted(_)) => {
                Err(self.error("expected an attribute, without quotes", &operand.span))
            }
        }
    }

    fn unknown(&self, name: &str, span: &Range<usize>) -> Error {
        let hint = did_you_mean(name, attribute_names());
        self.error(format!("unknown attribute \"{name}\"{hint}"), span)
    }

    fn meaning<'t>(&self, operand: &'t Node<Operand>) -> Compiled<Meaning<'t>> {
        let (word, index) = match &operand.part {
            Operand::Quoted(text) => return Ok(Meaning::Constant(text)),
            Operand::Word(word, index) => (word, *index),
        };
        let Some(attribute) = Attribute::by_name(word) else {
            // A constant that looks like an attribute is one that is misspelled.
            if index.is_some() || word.starts_with("sf.") {
                return Err(self.unknown(word, &operand.span));
            }
            return Ok(Meaning::Constant(word));
        };
        let counted =
            attribute.many && !matches!(attribute.kind, Type::Operations | Type::OpenFlags);
        if index.is_some() && !counted {
            let message = format!("the values of \"{}\" have no numbers", attribute.name);
            return Err(self.error(message, &operand.span));
        }
        Ok(Meaning::Attribute(Source { attribute, index }))
    }

    fn compare(
        &self,
        left: &Node<Operand>,
        relation: Relation,
        right: &Node<Operand>,
    ) -> Compiled<Test> {
        let positive = if relation == Relation::NotEqual { Relation::Equal } else { relation };
        let test = match (self.meaning(left)?, self.meaning(right)?) {
            (Meaning::Attribute(source), Meaning::Constant(text)) => {
                Test::Check(source, self.check(source, positive, text, &right.span)?)
            }
            (Meaning::Constant(text), Meaning::Attribute(source)) => {
                let Some(positive) = turned(positive) else {
                    let message = format!("\"{relation}\" needs the attribute on its left");
                    return Err(self.error(message, &left.span));
                };
                Test::Check(source, self.check(source, positive, text, &left.span)?)
            }
            (Meaning::Attribute(a), Meaning::Attribute(b)) => {
                self.pair(a, positive, b, &(left.span.start..right.span.end))?;
                Test::Pair(a, positive, b)
            }
            (Meaning::Constant(name), Meaning::Constant(_)) => match left.part {
                Operand::Word(..) => return Err(self.unknown(name, &left.span)),
                Operand::Quoted(_) => {
                    let span = left.span.start..right.span.end;
                    return Err(self.error("two constants; one must be an attribute", &span));
                }
            },
        };
        Ok(if relation == positive { test } else { Test::Not(Box::new(test)) })
    }

    /// Checks that two attributes can be compared.
    fn pair(&self, a: Source, relation: Relation, b: Source, span: &Range<usize>) -> Compiled<()> {
        let (left, right) = (a.attribute, b.attribute);
        let fits = match relation {
            Relation::Equal => class(left.kind) == class(right.kind),
            _ if order(relation).is_some() => is_number(left.kind) && is_number(right.kind),
            _ => has_text(left.kind) && has_text(right.kind),
        };
        if fits {
            return Ok(());
        }
        let (left, right) = (describe(left), describe(right));
        Err(self.error(format!("\"{relation}\" cannot compare {left} with {right}"), span))
    }

    /// An attribute against a constant. Never `NotEqual`, which is the negation of `Equal`.
    fn check(
        &self,
        source: Source,
        relation: Relation,
        text: &str,
        span: &Range<usize>,
    ) -> Compiled<Check> {
        let attribute = source.attribute;
        if relation == Relation::Equal {
            return self.equal_to_any(attribute, &[(text, span.clone())]);
        }
        if let Some(order) = order(relation) {
            if !is_number(attribute.kind) {
                let message = format!("\"{relation}\" needs a number, not {}", describe(attribute));
                return Err(self.error(message, span));
            }
            let number = literal::number(attribute.kind, text);
            let number = number.map_err(|message| self.error(message, span))?;
            return Ok(Check::Number(order, number));
        }
        if !has_text(attribute.kind) {
            let message = format!("\"{relation}\" needs a text, not {}", describe(attribute));
            return Err(self.error(message, span));
        }
        Ok(Check::Text(match relation {
            Relation::StartsWith => TextCheck::StartsWith(text.into()),
            Relation::EndsWith => TextCheck::EndsWith(text.into()),
            Relation::IContains => TextCheck::IContains(Box::new(finder(&text.to_lowercase()))),
            _ => TextCheck::Contains(Box::new(finder(text))),
        }))
    }

    fn among(
        &mut self,
        source: Source,
        membership: Membership,
        items: &'a [Node<Operand>],
    ) -> Compiled<Check> {
        let mut texts = Vec::new();
        for item in items {
            self.items(item, &mut texts)?;
        }
        match membership {
            Membership::In => self.equal_to_any(source.attribute, &texts),
            Membership::PMatch if has_text(source.attribute.kind) => {
                let finders = texts.iter().map(|(text, _)| finder(text)).collect();
                Ok(Check::Text(TextCheck::ContainsAny(finders)))
            }
            Membership::PMatch => {
                let message =
                    format!("\"pmatch\" needs a text, not {}", describe(source.attribute));
                let span = texts.first().map_or(0..0, |(_, span)| span.clone());
                Err(self.error(message, &span))
            }
        }
    }

    /// Appends an item, or those of the list that it names.
    fn items(
        &mut self,
        item: &'a Node<Operand>,
        texts: &mut Vec<(&'a str, Range<usize>)>,
    ) -> Compiled<()> {
        match &item.part {
            Operand::Quoted(text) => texts.push((text, item.span.clone())),
            Operand::Word(word, None) => self.list_or_text(word, &item.span, texts)?,
            Operand::Word(_, Some(_)) => {
                return Err(self.error("expected a value; attributes cannot be items", &item.span));
            }
        }
        Ok(())
    }

    fn list_or_text(
        &mut self,
        word: &'a str,
        span: &Range<usize>,
        texts: &mut Vec<(&'a str, Range<usize>)>,
    ) -> Compiled<()> {
        self.spend(span)?;
        let (name, items) = match self.definitions.list_named(word) {
            // An item that has the name of its own list is what it says.
            Some((name, items)) if !self.open.contains(&name) => (name, items),
            _ => {
                texts.push((word, span.clone()));
                return Ok(());
            }
        };
        self.open.push(name);
        let expanded = items.iter().try_for_each(|item| self.list_or_text(item, span, texts));
        self.open.pop();
        expanded
    }

    /// That a value is one of these.
    fn equal_to_any(
        &self,
        attribute: &Attribute,
        texts: &[(&str, Range<usize>)],
    ) -> Compiled<Check> {
        match attribute.kind {
            kind @ (Type::Integer | Type::Time | Type::Protocol) => {
                let mut numbers = self.each(texts, |text| literal::number(kind, text))?;
                numbers.sort_unstable();
                Ok(match numbers.as_slice() {
                    [number] => Check::Number(super::check::Order::Equal, *number),
                    _ => Check::Numbers(numbers.into()),
                })
            }
            Type::Boolean => self.truths(texts),
            Type::Address => Ok(Check::Networks(self.each(texts, literal::network)?.into())),
            Type::Symbol(symbols) => {
                Ok(equal_text(self.each(texts, |text| literal::symbol(&symbols, text))?))
            }
            Type::Text => Ok(equal_text(texts.iter().map(|(text, _)| *text).collect())),
            Type::Operations => self.operations(texts),
            Type::OpenFlags => self.open_flags(texts),
        }
    }

    /// Reads each text; an error is put at its place.
    fn each<'t, T>(
        &self,
        texts: &[(&'t str, Range<usize>)],
        read: impl Fn(&'t str) -> Result<T, String>,
    ) -> Compiled<Vec<T>> {
        let one = |(text, span): &(&'t str, Range<usize>)| {
            read(text).map_err(|message| self.error(message, span))
        };
        texts.iter().map(one).collect()
    }

    fn truths(&self, texts: &[(&str, Range<usize>)]) -> Compiled<Check> {
        let truths = self.each(texts, literal::boolean)?;
        Ok(match truths.first() {
            Some(first) if truths.iter().all(|truth| truth == first) => Check::Bool(*first),
            Some(_) => Check::Exists,
            None => Check::Numbers(Box::default()),
        })
    }

    fn operations(&self, texts: &[(&str, Range<usize>)]) -> Compiled<Check> {
        let named = self.each(texts, |text| {
            Operations::named(text).ok_or_else(|| {
                let names: Vec<_> = OpFlags::NAMES.iter().map(|(name, _)| *name).collect();
                let names = names.join(", ");
                format!("\"{text}\" is no operation; there are READ, WRITE, RECV, SEND, {names}")
            })
        })?;
        let (mut file, mut network) = (OpFlags::NONE, OpFlags::NONE);
        for (of_files, of_network) in named {
            file |= of_files;
            network |= of_network;
        }
        Ok(Check::Operations { file, network })
    }

    fn open_flags(&self, texts: &[(&str, Range<usize>)]) -> Compiled<Check> {
        let (mut any, mut both, mut none) = (OpenFlags::NONE, false, false);
        for flag in self.each(texts, literal::open_flag)? {
            match flag {
                OpenFlag::None => none = true,
                OpenFlag::Both => both = true,
                OpenFlag::One(flag) => any |= flag,
            }
        }
        Ok(Check::OpenFlags { any, both, none })
    }
}

fn equal_text(texts: Vec<&str>) -> Check {
    Check::Text(match texts.as_slice() {
        [text] => TextCheck::Equal((*text).into()),
        _ => TextCheck::In(texts.into_iter().map(Into::into).collect()),
    })
}

/// The relation with its sides exchanged, if there is one.
fn turned(relation: Relation) -> Option<Relation> {
    Some(match relation {
        Relation::Equal => Relation::Equal,
        Relation::Less => Relation::Greater,
        Relation::AtMost => Relation::AtLeast,
        Relation::Greater => Relation::Less,
        Relation::AtLeast => Relation::AtMost,
        _ => return None,
    })
}

fn is_number(kind: Type) -> bool {
    matches!(kind, Type::Integer | Type::Time | Type::Protocol)
}

fn has_text(kind: Type) -> bool {
    !is_number(kind) && kind != Type::Boolean
}

/// Types of the same class can be equal.
fn class(kind: Type) -> u8 {
    match kind {
        Type::Integer | Type::Time | Type::Protocol => 0,
        Type::Boolean => 1,
        Type::Text | Type::Symbol(_) => 2,
        Type::Address => 3,
        Type::Operations => 4,
        Type::OpenFlags => 5,
    }
}

fn describe(attribute: &Attribute) -> String {
    format!("\"{}\" ({})", attribute.name, attribute.kind)
}

fn attribute_names<'n>() -> impl Iterator<Item = &'n str> {
    let names = ALL.iter().map(|attribute| attribute.name);
    names.chain(ALL.iter().flat_map(|attribute| attribute.aliases.iter().copied()))
}

fn did_you_mean<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> String {
    let name = name.strip_prefix("sf.").unwrap_or(name);
    similar(name, known).map(|meant| format!("; did you mean \"{meant}\"?")).unwrap_or_default()
}
