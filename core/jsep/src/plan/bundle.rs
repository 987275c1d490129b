//! A description's BUNDLE groups (RFC 9143), looked up once.

use std::collections::BTreeMap;

use duologue_base::Mid;

use crate::blueprint::{Blueprint, Section, TransportLines};

/// A description with its sections' tags, generated ones included, and its BUNDLE groups.
pub(crate) struct Bundled<'a> {
    pub(crate) blueprint: &'a Blueprint,
    pub(crate) mids: &'a [Mid],
    /// The group that each section is in.
    group_of: Vec<Option<usize>>,
    groups: Vec<Group>,
}

#[derive(Clone, Copy, Default)]
struct Group {
    /// The first section that is not rejected: it stands for the group's transport (§7.2).
    tag: Option<usize>,
    /// The first of those that has transport attributes.
    described: Option<usize>,
}

impl<'a> Bundled<'a> {
    pub(crate) fn new(blueprint: &'a Blueprint, mids: &'a [Mid]) -> Self {
        let places: BTreeMap<&Mid, usize> = mids.iter().zip(0..).collect();
        let mut group_of = vec![None; blueprint.sections.len()];
        let mut groups = vec![Group::default(); blueprint.bundles.len()];
        for (at, members) in blueprint.bundles.iter().enumerate() {
            for index in members.iter().filter_map(|mid| places.get(mid).copied()) {
                group_of[index].get_or_insert(at);
                let section = &blueprint.sections[index];
                if section.is_rejected() {
                    continue;
                }
                groups[at].tag.get_or_insert(index);
                if section.transport.ice.is_some() {
                    groups[at].described.get_or_insert(index);
                }
            }
        }
        Bundled {
            blueprint,
            mids,
            group_of,
            groups,
        }
    }

    pub(crate) fn section(&self, index: usize) -> &'a Section {
        &self.blueprint.sections[index]
    }

    fn group(&self, index: usize) -> Option<Group> {
        self.group_of[index].map(|at| self.groups[at])
    }

    /// The section that stands for the transport of a section: its group's, or itself.
    pub(crate) fn owner(&self, index: usize) -> usize {
        self.group(index)
            .and_then(|group| group.tag)
            .unwrap_or(index)
    }

    pub(crate) fn is_bundled(&self, index: usize) -> bool {
        self.group_of[index].is_some()
    }

    /// Both sections are in one group.
    pub(crate) fn together(&self, one: usize, other: usize) -> bool {
        self.group_of[one].is_some() && self.group_of[one] == self.group_of[other]
    }

    /// The transport attributes that count for a section: its group's first ones, or its own.
    pub(crate) fn lines(&self, index: usize) -> &'a TransportLines {
        let described = self.group(index).and_then(|group| group.described);
        &self.section(described.unwrap_or(index)).transport
    }

    /// The attributes of an offer that count once an answer has this section stand for its
    /// transport: its own when it has any.
    pub(crate) fn answered_lines(&self, index: usize) -> &'a TransportLines {
        let own = &self.section(index).transport;
        match own.ice.is_some() {
            true => own,
            false => self.lines(index),
        }
    }
}
