// SPDX-License-Identifier: Apache-2.0
//! Tokens to a tree. One function per rule of the grammar in `docs/expressions.md`.

use std::ops::Range;

use super::Error;
use super::token::{Key, Lexer, Token};
use super::tree::{Membership, Node, Operand, Relation, Tree};

/// Parentheses and negations inside each other, at most.
const DEEPEST: usize = 100;

/// Reads a tree from tokens, looking one token ahead.
pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
    span: Range<usize>,
    /// Where the token before ended.
    last: usize,
    depth: usize,
}

type Parsed<T> = Result<T, Error>;

impl<'a> Parser<'a> {
    pub(super) fn parse(text: &'a str) -> Parsed<Node<Tree>> {
        let mut lexer = Lexer::new(text);
        let (token, span) = lexer.next()?;
        let mut parser = Self { lexer, token, span, last: 0, depth: 0 };
        let tree = parser.or()?;
        match parser.token {
            Token::End => Ok(tree),
            Token::Close(close) => Err(parser.error(format!("\"{close}\" closes nothing"))),
            _ => Err(parser.error("expected \"and\", \"or\" or the end".to_owned())),
        }
    }

    fn error(&self, message: String) -> Error {
        Error::new(message, self.span.clone(), self.lexer.text())
    }

    /// Takes the current token.
    fn advance(&mut self) -> Parsed<(Token<'a>, Range<usize>)> {
        let (token, span) = self.lexer.next()?;
        self.last = self.span.end;
        Ok((std::mem::replace(&mut self.token, token), std::mem::replace(&mut self.span, span)))
    }

    /// Takes the current token if it is that key word.
    fn accept(&mut self, key: Key) -> Parsed<bool> {
        let found = self.token == Token::Key(key);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// `or := and ("or" and)*`
    fn or(&mut self) -> Parsed<Node<Tree>> {
        self.chain(Key::Or, Self::and, Tree::Or)
    }

    /// `and := term ("and" term)*`
    fn and(&mut self) -> Parsed<Node<Tree>> {
        self.chain(Key::And, Self::term, Tree::And)
    }

    fn chain(
        &mut self,
        key: Key,
        rule: fn(&mut Self) -> Parsed<Node<Tree>>,
        tree: fn(Vec<Node<Tree>>) -> Tree,
    ) -> Parsed<Node<Tree>> {
        let first = rule(self)?;
        if self.token != Token::Key(key) {
            return Ok(first);
        }
        let start = first.span.start;
        let mut parts = vec![first];
        while self.accept(key)? {
            parts.push(rule(self)?);
        }
        Ok(Node { part: tree(parts), span: start..self.last })
    }

    /// `term := "not" term | "(" or ")" | "exists" operand | operand rest?`
    fn term(&mut self) -> Parsed<Node<Tree>> {
        let start = self.span.start;
        if self.depth == DEEPEST {
            return Err(self.error(format!("more than {DEEPEST} parentheses inside each other")));
        }
        self.depth += 1;
        let part = match self.token {
            Token::Key(Key::Not) => {
                self.advance()?;
                Tree::Not(Box::new(self.term()?))
            }
            Token::Open('(') => {
                let (_, open) = self.advance()?;
                let inner = self.or()?;
                if self.token != Token::Close(')') {
                    return Err(self.unclosed(open, "\"and\", \"or\" or"));
                }
                self.advance()?;
                inner.part
            }
            Token::Key(Key::Exists) => {
                self.advance()?;
                Tree::Exists(self.operand("an attribute")?)
            }
            _ => self.comparison()?,
        };
        self.depth -= 1;
        Ok(Node { part, span: start..self.last })
    }

    /// `rest := "exists" | relation operand | ("in" | "pmatch") list`
    fn comparison(&mut self) -> Parsed<Tree> {
        let left = self.operand("an attribute")?;
        let membership = match self.token {
            Token::Sign(relation) | Token::Key(Key::Relation(relation)) => {
                self.advance()?;
                let right = self.value(relation)?;
                return Ok(Tree::Compare(left, relation, right));
            }
            Token::Key(Key::Exists) => {
                self.advance()?;
                return Ok(Tree::Exists(left));
            }
            Token::Key(Key::In) => Membership::In,
            Token::Key(Key::PMatch) => Membership::PMatch,
            _ => match left.part {
                Operand::Word(name, None) => return Ok(Tree::Name(name)),
                _ => return Err(self.error("expected an operator".to_owned())),
            },
        };
        self.advance()?;
        Ok(Tree::Among(left, membership, self.list()?))
    }

    /// The operand on the right. After `=` and `!=` a sign may stand for itself: `evt.dir = <`.
    fn value(&mut self, relation: Relation) -> Parsed<Node<Operand>> {
        let sign = match (relation, &self.token) {
            (Relation::Equal | Relation::NotEqual, Token::Sign(Relation::Less)) => "<",
            (Relation::Equal | Relation::NotEqual, Token::Sign(Relation::Greater)) => ">",
            _ => return self.operand("a value"),
        };
        let (_, span) = self.advance()?;
        Ok(Node { part: Operand::Quoted(sign.to_owned()), span })
    }

    /// `operand := WORD ("[" NUMBER "]")? | QUOTED`
    fn operand(&mut self, what: &str) -> Parsed<Node<Operand>> {
        match &self.token {
            Token::Word(_) | Token::Quoted(_) => {}
            Token::Key(_) => {
                let word = &self.lexer.text()[self.span.clone()];
                let hint =
                    format!("expected {what}, not \"{word}\"; put it in quotes if it is text");
                return Err(self.error(hint));
            }
            _ => return Err(self.error(format!("expected {what}"))),
        }
        let (token, mut span) = self.advance()?;
        let part = match token {
            Token::Quoted(text) => Operand::Quoted(text.into_owned()),
            Token::Word(word) => {
                let adjacent = self.token == Token::Open('[') && self.span.start == span.end;
                let index = if adjacent { Some(self.index()?) } else { None };
                span.end = self.last;
                Operand::Word(word.to_owned(), index)
            }
            _ => Operand::Quoted(String::new()),
        };
        Ok(Node { part, span })
    }

    /// `"[" NUMBER "]"`
    fn index(&mut self) -> Parsed<u32> {
        let (_, open) = self.advance()?;
        let number = match self.token {
            Token::Word(digits) => digits.parse().ok(),
            _ => None,
        };
        let Some(number) = number else {
            return Err(self.error("expected the number of a value, 0 for the first".to_owned()));
        };
        self.advance()?;
        if self.token != Token::Close(']') {
            return Err(self.unclosed(open, ""));
        }
        self.advance()?;
        Ok(number)
    }

    /// `list := "(" operand ("," operand)* ","? ")"`, or the same in brackets.
    fn list(&mut self) -> Parsed<Vec<Node<Operand>>> {
        let close = match self.token {
            Token::Open('(') => Token::Close(')'),
            Token::Open(_) => Token::Close(']'),
            _ => return Err(self.error("expected a list in parentheses".to_owned())),
        };
        let (_, open) = self.advance()?;
        let mut items = Vec::new();
        loop {
            match self.token {
                _ if self.token == close && !items.is_empty() => break,
                Token::Open(_) => return Err(self.error("a list cannot contain a list".to_owned())),
                Token::Sign(Relation::Less | Relation::Greater) => {
                    items.push(self.value(Relation::Equal)?);
                }
                _ => items.push(self.operand("a value")?),
            }
            if self.token == close {
                break;
            }
            if self.token != Token::Comma {
                return Err(self.unclosed(open, "\",\" or"));
            }
            self.advance()?;
        }
        self.advance()?;
        Ok(items)
    }

    /// The error that something else stands where `open` should be closed.
    fn unclosed(&self, open: Range<usize>, or: &str) -> Error {
        let close = match &self.lexer.text()[open.clone()] {
            "(" => ")",
            _ => "]",
        };
        if self.token == Token::End {
            let message = format!("this is not closed by \"{close}\"");
            return Error::new(message, open, self.lexer.text());
        }
        let gap = if or.is_empty() { "" } else { " " };
        self.error(format!("expected {or}{gap}\"{close}\""))
    }
}
