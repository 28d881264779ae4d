//! Which class the next user belongs to: Locust's own dispatcher against Squall's.

use serde_json::Value;
use squall_core::{ClassDemand, Dispatcher};

use crate::support::Place;

use super::pair::Pair;

/// Deals users one by one: up to 150, down to 40, up to 150 again. Weights are random, but always the same ones.
const DEAL: &str = r#"
import json, random
from locust import User
from locust.dispatch import UsersDispatcher
from locust.runners import WorkerNode

def deal(classes):
    users = [type(f"C{i:02}", (User,), {"weight": w, "fixed_count": f}) for i, (w, f) in enumerate(classes)]
    dispatcher = UsersDispatcher([WorkerNode("worker")], users)
    steps, before = [], {u.__name__: 0 for u in users}
    for target in (150, 40, 150):
        dispatcher.new_dispatch(target, 1)
        dispatcher._wait_between_dispatch = 0
        for dispatched in dispatcher:
            now = dispatched["worker"]
            changed = [(name, now[name] - before[name]) for name in now if now[name] != before[name]]
            if changed:
                (name, by), = changed
                steps.append([int(name[1:]), by])
            before = now
    return steps

random = random.Random(20261123)
sets = [
    [(5, 0), (1, 0)],
    [(3, 0), (2, 0), (1, 0)],
    [(70, 0), (4, 0), (25, 0), (1, 0)],
    [(1, 4), (1, 0), (2, 9)],
    [(0, 0), (1, 0), (0, 2)],
]
for fixed in (0, 0, 1, 2, 3):
    count = random.randint(4, 9)
    sets.append([(random.randint(1, 50), random.randint(1, 12) if i < fixed else 0) for i in range(count)])
sets.append([(0.5, 0), (0.25, 0), (1.75, 3), (12.5, 0)])
print(json.dumps([{"classes": classes, "steps": deal(classes)} for classes in sets]))
"#;

#[test]
fn users_are_dealt_in_the_order_of_locusts_own_dispatcher() {
    let pair = Pair::new();
    let sets = pair.python(DEAL, &[]);
    let sets = sets.as_array().unwrap();
    assert_eq!(sets.len(), 11);
    for set in sets {
        let theirs = steps(&set["steps"]);
        assert!(theirs.len() >= 150 + 110 + 110, "{} steps", theirs.len());
        assert_eq!(ours(&set["classes"]), theirs, "{}", set["classes"]);
    }
}

/// (class, +1 or −1)
fn steps(list: &Value) -> Vec<(usize, i64)> {
    let step = |step: &Value| (step[0].as_u64().unwrap() as usize, step[1].as_i64().unwrap());
    list.as_array().unwrap().iter().map(step).collect()
}

fn ours(classes: &Value) -> Vec<(usize, i64)> {
    let demand = |class: &Value| ClassDemand {
        weight: class[0].as_f64().unwrap(),
        fixed_count: u32::try_from(class[1].as_u64().unwrap()).unwrap(),
    };
    let demands: Vec<ClassDemand> = classes.as_array().unwrap().iter().map(demand).collect();
    let mut dispatcher = Dispatcher::new(&demands).unwrap();
    let mut running = Vec::new();
    let mut steps = Vec::new();
    for target in [150, 40, 150] {
        while running.len() < target {
            let class = dispatcher.next_class().unwrap();
            running.push(class);
            steps.push((class.index(), 1));
        }
        // The last to come is the first to go.
        while running.len() > target {
            let class = running.pop().unwrap();
            dispatcher.released(class);
            steps.push((class.index(), -1));
        }
    }
    steps
}

#[test]
fn a_run_has_the_users_of_locust() {
    let locustfile = "
from locust import HttpUser, constant, task
class Base(HttpUser):
    abstract = True
    wait_time = constant(1)
    @task
    def get(self): self.client.get('/')
class Writer(Base):
    weight = 25
class Reader(Base):
    weight = 70
class Admin(Base):
    weight = 5
class Probe(Base):
    fixed_count = 2
";
    let suite = "
schema = 1
[users.Writer]
weight = 25
wait = '1s'
tasks.get = { get = '/' }
[users.Reader]
weight = 70
wait = '1s'
tasks.get = { get = '/' }
[users.Admin]
weight = 5
wait = '1s'
tasks.get = { get = '/' }
[users.Probe]
fixed_count = 2
wait = '1s'
tasks.get = { get = '/' }
";
    let pair = Pair::with(Place::shared(), locustfile, suite);
    for users in [1, 3, 10, 37] {
        let (theirs, ours) = pair.run(&format!("-u {users} -r 100 -t 1 -s 0 --only-summary"));
        let said = |text: &str| {
            let (_, spawned) = text.split_once("All users spawned: ").unwrap_or_else(|| panic!("{text}"));
            spawned.lines().next().unwrap().to_owned()
        };
        assert_eq!(said(&ours.stderr), said(&theirs.stderr));
        assert!(said(&ours.stderr).ends_with(&format!("({users} total users)")), "{ours}");
    }
}
