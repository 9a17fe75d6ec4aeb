//! The sources of one stage as they are shown: which list, the cursor, the marks. Knows nothing of how they are read or
//! drawn.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use ipnet::IpNet;

use super::command::Command;
use super::list::Cursor;
use super::load::Load;
use crate::model::candidate::CandidateSet;
use crate::model::connection::StageAt;
use crate::model::source::{Source, Sources};
use crate::model::top_list::{TopList, TopOf, TopRow};

/// The sources of one stage.
#[derive(Debug, Default)]
pub(crate) struct SourcesPane {
    pub(crate) stage: Option<StageAt>,
    pub(crate) load: Load<Arc<Sources>>,
    /// True while a second reading is under way and the first is still shown.
    pub(crate) reloading: bool,
    /// Commands that were given before the first reading was there: done in their order once it is.
    pub(crate) kept: Vec<Command>,
    /// The list that is shown; `None` for the addresses.
    pub(crate) of: Option<TopOf>,
    pub(crate) cursor: Cursor,
    /// Addresses and prefixes.
    marked: BTreeSet<IpNet>,
    /// The part of the counted requests that they make up, a fraction: kept, since a frame must not go through ten
    /// thousand addresses.
    marked_share: Option<f64>,
    /// What the columns of addresses need, kept for the same reason.
    extent: Extent,
    /// The candidate set that is to be blocked, instead of what is marked.
    pub(crate) set: Option<usize>,
}

/// What the columns of addresses need.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Extent {
    /// Characters of the longest address.
    pub(crate) longest: usize,
    /// Whether the requests of any are known between bounds only.
    pub(crate) bounded: bool,
}

impl Extent {
    fn of(sources: &[Source]) -> Self {
        Self {
            longest: sources.iter().map(|source| source.address.to_string().len()).max().unwrap_or(0),
            bounded: sources.iter().any(|source| source.requests_bounds.is_some()),
        }
    }
}

impl SourcesPane {
    /// Of a stage of which nothing was read yet.
    pub(crate) fn of(stage: StageAt) -> Self {
        Self { stage: Some(stage), ..Self::default() }
    }

    fn loaded(&self) -> Option<&Sources> {
        match &self.load {
            Load::Loaded(sources) => Some(sources),
            _ => None,
        }
    }

    /// End of the minutes that were read, account time.
    pub(crate) fn read_to(&self) -> Option<DateTime<Utc>> {
        let sources = self.loaded()?;
        Some(sources.log.as_ref().map_or(sources.to, |log| log.to))
    }

    /// The candidate sets, smallest first.
    pub(crate) fn sets(&self) -> &[CandidateSet] {
        self.loaded().map_or(&[], |sources| &sources.candidates.sets)
    }

    /// The candidate set that is to be blocked.
    pub(crate) fn chosen(&self) -> Option<&CandidateSet> {
        self.set.and_then(|set| self.sets().get(set))
    }

    /// The addresses, ranked.
    pub(crate) fn addresses(&self) -> &[Source] {
        self.loaded().map_or(&[], |sources| &sources.sources)
    }

    /// The list that is shown instead of the addresses.
    pub(crate) fn top(&self) -> Option<&TopList> {
        self.of.and_then(|of| self.loaded()?.top.iter().find(|list| list.of == of))
    }

    /// How many lines the shown list has.
    pub(crate) fn len(&self) -> usize {
        self.top().map_or(self.addresses().len(), |list| list.rows.len())
    }

    /// The source under the cursor, while addresses are shown.
    pub(crate) fn source(&self) -> Option<&Source> {
        self.addresses().get(self.cursor.at).filter(|_| self.top().is_none())
    }

    /// The row under the cursor, while another list is shown.
    pub(crate) fn row(&self) -> Option<&TopRow> {
        self.top().and_then(|list| list.rows.get(self.cursor.at))
    }

    /// What under the cursor could be blocked: an address or a prefix.
    pub(crate) fn under(&self) -> Option<IpNet> {
        match self.top() {
            Some(_) => self.row().and_then(|row| row.prefix),
            None => self.source().map(net),
        }
    }

    /// Whether there is anything that could be marked in the shown list.
    pub(crate) fn can_mark(&self) -> bool {
        self.top().is_none_or(|list| list.of == TopOf::Prefixes)
    }

    /// What is marked, addresses in the order of the ranking and then prefixes; an address inside a marked prefix is
    /// not named again.
    pub(crate) fn targets(&self) -> Vec<IpNet> {
        let wide = self.wide();
        let marked = |address: &IpNet| self.marked.contains(address) && !wide.iter().any(|net| net.contains(address));
        self.addresses().iter().map(net).filter(marked).chain(wide.iter().copied()).collect()
    }

    /// Marks that are wider than one address.
    fn wide(&self) -> Vec<IpNet> {
        self.marked.iter().filter(|net| net.prefix_len() < net.max_prefix_len()).copied().collect()
    }

    /// What the columns of addresses need.
    pub(crate) fn extent(&self) -> Extent {
        self.extent
    }

    /// The addresses and prefixes that are marked.
    pub(crate) fn marked(&self) -> &BTreeSet<IpNet> {
        &self.marked
    }

    /// The part of the counted requests that the marks make up, a fraction; `None` where nothing counts one of them.
    pub(crate) fn marked_share(&self) -> Option<f64> {
        self.marked_share
    }

    /// Marks; a set that was chosen is no longer what is to be blocked.
    pub(crate) fn mark(&mut self, nets: impl IntoIterator<Item = IpNet>) {
        self.set = None;
        self.marked.extend(nets);
        self.add_up_marks();
    }

    /// Marks what is not marked, and takes the mark of what is.
    pub(crate) fn toggle(&mut self, net: IpNet) {
        self.set = None;
        if !self.marked.remove(&net) {
            self.marked.insert(net);
        }
        self.add_up_marks();
    }

    /// Takes every mark and choice away.
    pub(crate) fn unmark(&mut self) {
        self.set = None;
        self.marked.clear();
        self.add_up_marks();
    }

    /// Prefixes by their own lines: where a log has more addresses than are listed, those that are do not add up to
    /// them.
    fn add_up_marks(&mut self) {
        let wide = self.wide();
        let alone = |source: &&Source| {
            let address = net(source);
            self.marked.contains(&address) && !wide.iter().any(|net| net.contains(&address))
        };
        let addresses = self.addresses().iter().filter(alone).map(|source| source.share);
        let rows = self.loaded().into_iter().flat_map(|sources| &sources.top).flat_map(|list| &list.rows);
        let shares: HashMap<IpNet, f64> = rows.filter_map(|row| Some((row.prefix?, row.share))).collect();
        let prefixes = wide.iter().map(|net| shares.get(net).copied());
        self.marked_share = addresses.chain(prefixes).sum();
    }

    /// Shows the next list (or the one before), and the addresses again after the last.
    pub(crate) fn turn(&mut self, forward: bool) {
        let lists: Vec<Option<TopOf>> = match self.loaded() {
            Some(sources) => std::iter::once(None).chain(sources.top.iter().map(|list| Some(list.of))).collect(),
            None => return,
        };
        let at = lists.iter().position(|of| *of == self.of).unwrap_or(0);
        let step = if forward { 1 } else { lists.len() - 1 };
        self.of = lists[(at + step) % lists.len()];
        self.cursor = Cursor::default();
    }

    /// Takes in a new reading: marks and the cursor stay with what they were on; marks of what is gone go with it.
    pub(crate) fn take(&mut self, sources: Arc<Sources>) {
        let name = |pane: &Self| {
            pane.row().map(|row| row.name.clone()).or_else(|| pane.source().map(|s| s.address.to_string()))
        };
        let was = name(self);
        let known: BTreeSet<IpNet> = sources.sources.iter().map(net).collect();
        let prefixes = sources.top.iter().flat_map(|list| &list.rows).filter_map(|row| row.prefix);
        let known: BTreeSet<IpNet> = known.into_iter().chain(prefixes).collect();
        self.marked.retain(|marked| known.contains(marked));
        // Sets are found anew: the one chosen may be another now.
        self.set = None;
        self.extent = Extent::of(&sources.sources);
        self.load = Load::Loaded(sources);
        self.add_up_marks();
        if self.top().is_none() {
            self.of = None;
        }
        let at = was.and_then(|was| match self.top() {
            Some(list) => list.rows.iter().position(|row| row.name == was),
            None => self.addresses().iter().position(|source| source.address.to_string() == was),
        });
        self.cursor = Cursor { at: at.unwrap_or(0), top: self.cursor.top };
    }
}

/// An address as what is blocked of it.
pub(crate) fn net(source: &Source) -> IpNet {
    IpNet::from(source.address.to_canonical())
}
