//! The trie of addresses and the dynamic programme over it.
//!
//! The trie is compressed: a node is the narrowest prefix of at least two addresses, or one address. A prefix between a
//! node and its child holds the same addresses as the child, so leaving it out loses no set.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Caller;
use crate::model::candidate::Standing;

/// Requests a second of what is below a node.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Sums {
    pub(super) attack: f64,
    pub(super) legitimate: f64,
    pub(super) unclassified: f64,
    pub(super) addresses: usize,
    pub(super) attack_addresses: usize,
}

impl Sums {
    pub(super) fn add(&mut self, other: &Self) {
        self.attack += other.attack;
        self.legitimate += other.legitimate;
        self.unclassified += other.unclassified;
        self.addresses += other.addresses;
        self.attack_addresses += other.attack_addresses;
    }

    pub(super) fn of(caller: &Caller) -> Self {
        Self {
            attack: if caller.standing == Standing::Attack { caller.now_per_second } else { 0.0 },
            legitimate: if caller.standing == Standing::Legitimate { caller.before_per_second } else { 0.0 },
            unclassified: if caller.standing == Standing::Unclassified { caller.now_per_second } else { 0.0 },
            addresses: 1,
            attack_addresses: usize::from(caller.standing == Standing::Attack),
        }
    }
}

/// A prefix with what is below it. Children come before their parents.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) prefix: IpNet,
    pub(super) sums: Sums,
    children: Option<(usize, usize)>,
}

/// All prefixes worth a thought, of both address versions.
#[derive(Debug)]
pub(super) struct Trie {
    pub(super) nodes: Vec<Node>,
    /// Of IPv4 and of IPv6.
    roots: Vec<usize>,
}

/// An address as bits from the left, so that one set of shifts does for both versions.
type Leaf = (u128, Sums);

impl Trie {
    /// Builds it; an address that comes twice is added up, and an IPv4-mapped one is the IPv4 address it stands for.
    pub(super) fn of(callers: &[Caller]) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for caller in callers {
            match caller.address.to_canonical() {
                IpAddr::V4(address) => v4.push((u128::from(address.to_bits()) << 96, Sums::of(caller))),
                IpAddr::V6(address) => v6.push((address.to_bits(), Sums::of(caller))),
            }
        }
        let mut trie = Self { nodes: Vec::new(), roots: Vec::new() };
        for (mut leaves, width) in [(v4, 32), (v6, 128)] {
            merge(&mut leaves);
            if !leaves.is_empty() {
                let root = trie.grow(&leaves, width);
                trie.roots.push(root);
            }
        }
        trie
    }

    /// As deep as an address has bits.
    fn grow(&mut self, leaves: &[Leaf], width: u8) -> usize {
        let (first, last) = (leaves[0].0, leaves[leaves.len() - 1].0);
        let common = u8::try_from((first ^ last).leading_zeros()).unwrap_or(width).min(width);
        let node = if leaves.len() == 1 {
            Node { prefix: net(first, width, width), sums: leaves[0].1, children: None }
        } else {
            let middle = leaves.partition_point(|(bits, _)| (bits >> (127 - common)) & 1 == 0);
            let left = self.grow(&leaves[..middle], width);
            let right = self.grow(&leaves[middle..], width);
            let mut sums = self.nodes[left].sums;
            sums.add(&self.nodes[right].sums);
            Node { prefix: net(first, common, width), sums, children: Some((left, right)) }
        };
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// For every size from 0 to `most`, the disjoint nodes whose values add up to most, given what each is worth
    /// (`None`: may not be taken). Exact: a size's best is the best split of it between the two halves, or the node
    /// itself.
    pub(super) fn best(&self, most: usize, values: &[Option<f64>]) -> Vec<Vec<usize>> {
        let mut tables: Vec<Table> = Vec::with_capacity(self.nodes.len());
        for (node, value) in self.nodes.iter().zip(values) {
            let mut table = match node.children {
                _ if node.sums.attack <= 0.0 => Table::nothing(),
                Some((left, right)) => {
                    let joined = Table::join(&tables[left], &tables[right], most);
                    // Only the choices are needed from here on.
                    tables[left].best = Vec::new();
                    tables[right].best = Vec::new();
                    joined
                }
                None => Table::leaf(most),
            };
            table.or(*value);
            tables.push(table);
        }
        let both = self.roots.iter().fold(Table::nothing(), |above, root| Table::join(&above, &tables[*root], most));
        (0..=most).map(|size| self.taken(&tables, &both, size)).collect()
    }

    fn taken(&self, tables: &[Table], both: &Table, size: usize) -> Vec<usize> {
        let mut open = Vec::new();
        let size = size.min(both.choice.len() - 1);
        match (self.roots.as_slice(), both.choice[size]) {
            ([only], _) => open.push((*only, size)),
            ([first, second], Choice::Split(of_first)) => {
                open.push((*first, usize::from(of_first)));
                open.push((*second, size - usize::from(of_first)));
            }
            _ => {}
        }
        let mut taken = Vec::new();
        while let Some((node, size)) = open.pop() {
            let choices = &tables[node].choice;
            let size = size.min(choices.len() - 1);
            match (choices[size], self.nodes[node].children) {
                _ if size == 0 => {}
                (Choice::Own, _) => taken.push(node),
                (Choice::Split(of_left), Some((left, right))) => {
                    open.push((left, usize::from(of_left)));
                    open.push((right, size - usize::from(of_left)));
                }
                (Choice::Split(_), None) => {}
            }
        }
        taken
    }
}

fn merge(leaves: &mut Vec<Leaf>) {
    leaves.sort_unstable_by_key(|leaf| leaf.0);
    leaves.dedup_by(|again, kept| {
        let same = again.0 == kept.0;
        if same {
            kept.1.add(&Sums { addresses: 0, attack_addresses: 0, ..again.1 });
            kept.1.attack_addresses = usize::from(kept.1.attack > 0.0);
        }
        same
    });
}

fn net(bits: u128, length: u8, width: u8) -> IpNet {
    let kept = if length == 0 { 0 } else { bits & (u128::MAX << (128 - u32::from(length))) };
    if width == 32 {
        let address = u32::try_from(kept >> 96).unwrap_or(0).into();
        IpNet::V4(Ipv4Net::new(address, length).unwrap_or_default())
    } else {
        IpNet::V6(Ipv6Net::new(kept.into(), length).unwrap_or_default())
    }
}

/// How a size's best comes about.
#[derive(Debug, Clone, Copy)]
enum Choice {
    /// The node itself.
    Own,
    /// So many prefixes in the left half, the others in the right one.
    Split(u16),
}

/// The best of a node by size: at most so many prefixes.
#[derive(Debug)]
struct Table {
    best: Vec<f64>,
    choice: Vec<Choice>,
}

/// Sums of the same numbers in another order differ by less.
const SAME: f64 = 1e-12;

impl Table {
    /// Of what is not worth a prefix, however many there may be.
    fn nothing() -> Self {
        Self { best: vec![0.0], choice: vec![Choice::Split(0)] }
    }

    fn leaf(most: usize) -> Self {
        let sizes = 1 + most.min(1);
        Self { best: vec![0.0; sizes], choice: vec![Choice::Split(0); sizes] }
    }

    fn join(left: &Self, right: &Self, most: usize) -> Self {
        let (in_left, in_right) = (left.best.len() - 1, right.best.len() - 1);
        let largest = (in_left + in_right).min(most);
        let mut best = vec![f64::NEG_INFINITY; largest + 1];
        let mut choice = vec![Choice::Split(0); largest + 1];
        for (a, of_left) in left.best.iter().enumerate() {
            for (b, of_right) in right.best.iter().take(largest + 1 - a.min(largest + 1)).enumerate() {
                let sum = of_left + of_right;
                if sum > best[a + b] {
                    best[a + b] = sum;
                    choice[a + b] = Choice::Split(u16::try_from(a).unwrap_or(u16::MAX));
                }
            }
        }
        Self { best, choice }
    }

    /// Takes the node itself where it is worth more; where it is worth as much, one prefix is better than several, and
    /// a narrow one better than a wide one.
    fn or(&mut self, value: Option<f64>) {
        let Some(value) = value else { return };
        let alone = self.best.get(1).copied().unwrap_or(0.0);
        for size in 1..self.best.len() {
            let joined = self.best[size];
            let several = joined > alone + SAME;
            if value > joined + SAME || (several && value >= joined - SAME) {
                self.best[size] = value.max(joined);
                self.choice[size] = Choice::Own;
            }
        }
    }
}
