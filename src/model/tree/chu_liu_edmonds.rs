//! The maximum spanning tree of a complete directed graph, in time and memory quadratic in the nodes (Tarjan 1977).
//!
//! From any node the best incoming arcs are followed backwards until they reach the tree that hangs on the root, or
//! close a cycle. A cycle is contracted into a node of its own: an arc into it replaces the arc of the node that it
//! enters, so its score is reduced by that arc's. At the end every contracted node is entered by one arc, which
//! breaks its cycle.

use super::TreeScores;

/// The best arc from a head into a node, which may be contracted: its reduced score, and its dependent.
#[derive(Clone, Copy)]
struct Arc {
    score: f64,
    dependent: usize,
}

struct Graph {
    n_nodes: usize,
    /// For each node, the best arc from each original head.
    incoming: Vec<Vec<Arc>>,
    /// The contracted node that a node is part of.
    parent: Vec<Option<usize>>,
    /// The outermost node that contains each original node.
    outermost: Vec<usize>,
    /// The original nodes of each node.
    contents: Vec<Vec<usize>>,
    /// The head and the arc chosen for each node.
    chosen: Vec<Option<(usize, Arc)>>,
}

/// The head of each node in the best tree; that of the root is 0.
pub(super) fn heads(scores: &TreeScores) -> Vec<usize> {
    let n_nodes = scores.n_nodes;
    let arcs = |dependent| {
        (0..n_nodes)
            .map(move |head| Arc { score: scores.score(head, dependent), dependent })
            .collect()
    };
    let mut graph = Graph {
        n_nodes,
        incoming: (0..n_nodes).map(arcs).collect(),
        parent: vec![None; n_nodes],
        outermost: (0..n_nodes).collect(),
        contents: (0..n_nodes).map(|node| vec![node]).collect(),
        chosen: vec![None; n_nodes],
    };
    // Whether a node is connected to the root.
    let mut is_done = vec![false; n_nodes];
    is_done[0] = true;
    for start in 1..n_nodes {
        let mut path = Vec::new();
        let mut node = graph.outermost[start];
        while !is_done[node] {
            if let Some(from) = path.iter().position(|&on_path| on_path == node) {
                node = graph.contract(&path.split_off(from));
                is_done.push(false);
            }
            path.push(node);
            let head = graph.choose(node);
            node = graph.outermost[head];
        }
        for on_path in path {
            is_done[on_path] = true;
        }
    }
    graph.expand()
}

impl Graph {
    /// Chooses the best arc into a node from outside of it, and returns its head.
    fn choose(&mut self, node: usize) -> usize {
        let outside = (0..self.n_nodes).filter(|&head| self.outermost[head] != node);
        let arcs = outside.map(|head| (head, self.incoming[node][head]));
        let best = arcs.reduce(|best, arc| if arc.1.score > best.1.score { arc } else { best });
        let (head, arc) = best.expect("the root is outside of every other node");
        self.chosen[node] = Some((head, arc));
        head
    }

    /// Makes a node of a cycle.
    fn contract(&mut self, cycle: &[usize]) -> usize {
        let contracted = self.incoming.len();
        let mut incoming: Option<Vec<Arc>> = None;
        let mut contents = Vec::new();
        for &node in cycle {
            let (_, own) = self.chosen[node].expect("the nodes of a path have chosen");
            // The arcs of a contracted node are those of the new one.
            let mut arcs = std::mem::take(&mut self.incoming[node]);
            for arc in &mut arcs {
                arc.score -= own.score;
            }
            incoming = Some(match incoming {
                None => arcs,
                Some(best) => {
                    let larger =
                        |(best, arc): (Arc, Arc)| if arc.score > best.score { arc } else { best };
                    best.into_iter().zip(arcs).map(larger).collect()
                }
            });
            self.parent[node] = Some(contracted);
            contents.append(&mut self.contents[node]);
        }
        for &node in &contents {
            self.outermost[node] = contracted;
        }
        self.incoming.push(incoming.expect("a cycle has nodes"));
        self.parent.push(None);
        self.contents.push(contents);
        self.chosen.push(None);
        contracted
    }

    /// The head of each original node: the arc into a contracted node replaces those of the nodes that it enters.
    fn expand(mut self) -> Vec<usize> {
        let mut heads = vec![0; self.n_nodes];
        // A contracted node comes after its parts.
        for node in (1..self.chosen.len()).rev() {
            let Some((head, arc)) = self.chosen[node].take() else { continue };
            heads[arc.dependent] = head;
            let mut entered = arc.dependent;
            while entered != node {
                self.chosen[entered] = None;
                entered = self.parent[entered].expect("the node contains the dependent");
            }
        }
        heads
    }
}
