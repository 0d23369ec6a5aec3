// SPDX-License-Identifier: Apache-2.0
//! The terminal, as it is while a view is shown: another screen, no echo, no cursor. However the
//! program ends, short of being killed, the terminal is as before.

use std::io::{self, Write as _};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::event::{self, Event, KeyEvent, KeyEventKind};
use crossterm::style::{Attribute, Color, Print, ResetColor, SetAttribute, SetForegroundColor};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap,
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode, size,
};
use crossterm::{cursor, execute, queue};

use super::frame::{Line, Style};

/// Whether the terminal is changed at present.
static CHANGED: AtomicBool = AtomicBool::new(false);

/// The terminal.
pub(super) struct Terminal {
    colours: bool,
}

/// What came from the terminal.
pub(super) enum Input {
    Key(KeyEvent),
    Resized,
    Nothing,
}

/// Gives the terminal back, if it was taken.
pub(super) fn restore() {
    if CHANGED.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        let _ = execute!(out, EnableLineWrap, LeaveAlternateScreen, cursor::Show);
        let _ = disable_raw_mode();
    }
}

impl Terminal {
    /// Takes the terminal over.
    pub(super) fn enter(colours: bool) -> io::Result<Self> {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            restore();
            before(info);
        }));
        enable_raw_mode()?;
        CHANGED.store(true, Ordering::SeqCst);
        let terminal = Self { colours };
        let mut out = io::stdout();
        execute!(out, EnterAlternateScreen, cursor::Hide, DisableLineWrap, Clear(ClearType::All))?;
        Ok(terminal)
    }

    /// Columns and rows.
    pub(super) fn size() -> (usize, usize) {
        // What does not tell is as the first terminals were.
        match size() {
            Ok((columns @ 1.., rows @ 1..)) => (usize::from(columns), usize::from(rows)),
            _ => (80, 24),
        }
    }

    /// Waits for a key, a change of size or the end of the time.
    pub(super) fn input(time: Duration) -> io::Result<Input> {
        if !event::poll(time)? {
            return Ok(Input::Nothing);
        }
        Ok(match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => Input::Key(key),
            Event::Resize(..) => Input::Resized,
            _ => Input::Nothing,
        })
    }

    /// Shows lines, and nothing below them.
    pub(super) fn show(&self, lines: &[Line]) -> io::Result<()> {
        let mut out = Vec::with_capacity(8192);
        queue!(out, BeginSynchronizedUpdate)?;
        for (y, line) in lines.iter().enumerate() {
            let y = u16::try_from(y).unwrap_or(u16::MAX);
            queue!(out, cursor::MoveTo(0, y))?;
            for (style, text) in &line.0 {
                self.part(*style, text, &mut out)?;
            }
            queue!(out, Clear(ClearType::UntilNewLine))?;
        }
        let below = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        if lines.len() < Self::size().1 {
            queue!(out, cursor::MoveTo(0, below), Clear(ClearType::FromCursorDown))?;
        }
        queue!(out, EndSynchronizedUpdate)?;
        let mut stdout = io::stdout().lock();
        stdout.write_all(&out)?;
        stdout.flush()
    }

    fn part(&self, style: Style, text: &str, out: &mut Vec<u8>) -> io::Result<()> {
        let attribute = match style {
            Style::Plain => return queue!(out, Print(text)),
            Style::Strong | Style::Alert => Attribute::Bold,
            Style::Title => Attribute::Underlined,
            Style::Chosen => Attribute::Reverse,
        };
        queue!(out, SetAttribute(attribute))?;
        if style == Style::Alert && self.colours {
            queue!(out, SetForegroundColor(Color::Red), Print(text), ResetColor)?;
        } else {
            queue!(out, Print(text))?;
        }
        queue!(out, SetAttribute(Attribute::Reset))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}
