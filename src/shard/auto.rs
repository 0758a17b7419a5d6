//! The share that a batch system gives a task, found in the task's environment.

use super::Number;
use std::num::NonZeroU32;

/// How one system tells a task's place among all.
struct System {
    /// The variable with the task's own number.
    task: &'static str,
    /// That with the first number; `None` where counting begins at 0.
    first: Option<&'static str>,
    /// That with the number of tasks.
    count: &'static str,
}

/// The first whose variables are all set is meant. An array of Slurm comes before srun: each task of an array is a job, in
/// which SLURM_PROCID is 0 and SLURM_NTASKS is set as well. JOB_COMPLETION_INDEX is set by Kubernetes (1.24 and later); the number of
/// completions is not, and has to be passed on. OpenPBS has no variable with the size of an array.
const SYSTEMS: [System; 8] = [
    System { task: "SAFECP_SHARD", first: Some("SAFECP_SHARD_FIRST"), count: "SAFECP_SHARDS" },
    System { task: "SLURM_ARRAY_TASK_ID", first: Some("SLURM_ARRAY_TASK_MIN"), count: "SLURM_ARRAY_TASK_COUNT" },
    System { task: "SLURM_PROCID", first: None, count: "SLURM_NTASKS" },
    System { task: "PBS_ARRAY_INDEX", first: Some("SAFECP_SHARD_FIRST"), count: "SAFECP_SHARDS" },
    System { task: "JOB_COMPLETION_INDEX", first: None, count: "SAFECP_SHARDS" },
    System { task: "OMPI_COMM_WORLD_RANK", first: None, count: "OMPI_COMM_WORLD_SIZE" },
    System { task: "PMI_RANK", first: None, count: "PMI_SIZE" },
    System { task: "PARALLEL_SEQ", first: Some("SAFECP_SHARD_FIRST"), count: "SAFECP_SHARDS" },
];

/// The share of this task; an error says what is missing or wrong. `variable` asks the environment.
pub fn find(variable: impl Fn(&str) -> Option<String>) -> Result<Number, String> {
    for System { task, first, count } in SYSTEMS {
        let (Some(task_text), Some(count_text)) = (variable(task), variable(count)) else { continue };
        let number = |name: &str, text: &str| {
            text.parse::<u32>().map_err(|_| format!("--shard=auto: {name} is no number: '{text}'"))
        };
        let first_text = first.and_then(|first| Some((first, variable(first)?)));
        // Where nothing is said of the first, systems with a variable for it count from 1.
        let begin = match (first, first_text) {
            (Some(_), Some((name, text))) => number(name, &text)?,
            (Some(_), None) => 1,
            (None, _) => 0,
        };
        let count = number(count, &count_text)?;
        let place = number(task, &task_text)?.checked_sub(begin).filter(|place| *place < count);
        let share = place.and_then(|place| NonZeroU32::new(place + 1)).zip(NonZeroU32::new(count));
        let Some((number, count)) = share else {
            return Err(format!("--shard=auto: {task} is {task_text}, which is none of {count} from {begin} on"));
        };
        return Ok(Number { number, count });
    }
    let missing = SYSTEMS.iter().find(|system| variable(system.task).is_some());
    Err(missing.map_or_else(
        || "--shard=auto: no batch system's variables are set".to_owned(),
        |System { task, count, .. }| format!("--shard=auto: {task} is set and {count} is not"),
    ))
}

#[cfg(test)]
mod tests {
    use super::find;

    fn of(set: &[(&str, &str)]) -> Result<(u32, u32), String> {
        let variable = |name: &str| set.iter().find(|(found, _)| *found == name).map(|(_, value)| (*value).to_owned());
        find(variable).map(|share| (share.number.get(), share.count.get()))
    }

    #[test]
    fn each_system_counts_in_its_own_way() {
        let array = [("SLURM_ARRAY_TASK_MIN", "0"), ("SLURM_ARRAY_TASK_COUNT", "4"), ("SLURM_ARRAY_TASK_ID", "3")];
        assert_eq!(of(&array), Ok((4, 4)));
        let from_five = [("SLURM_ARRAY_TASK_MIN", "5"), ("SLURM_ARRAY_TASK_COUNT", "4"), ("SLURM_ARRAY_TASK_ID", "5")];
        assert_eq!(of(&[&from_five[..], &[("SLURM_PROCID", "0"), ("SLURM_NTASKS", "1")]].concat()), Ok((1, 4)));
        assert_eq!(of(&[("SLURM_PROCID", "2"), ("SLURM_NTASKS", "3")]), Ok((3, 3)));
        assert_eq!(of(&[("JOB_COMPLETION_INDEX", "0"), ("SAFECP_SHARDS", "8")]), Ok((1, 8)));
        assert_eq!(of(&[("PBS_ARRAY_INDEX", "8"), ("SAFECP_SHARDS", "8")]), Ok((8, 8)));
        let from_nought = [("PBS_ARRAY_INDEX", "0"), ("SAFECP_SHARD_FIRST", "0"), ("SAFECP_SHARDS", "8")];
        assert_eq!(of(&from_nought), Ok((1, 8)));
        assert_eq!(of(&[("PARALLEL_SEQ", "1"), ("SAFECP_SHARDS", "2")]), Ok((1, 2)));
        assert_eq!(of(&[("OMPI_COMM_WORLD_RANK", "1"), ("OMPI_COMM_WORLD_SIZE", "2")]), Ok((2, 2)));
    }

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        let of = |set: &[(&str, &str)]| of(set).expect_err("no share");
        assert_eq!(of(&[]), "--shard=auto: no batch system's variables are set");
        assert_eq!(
            of(&[("JOB_COMPLETION_INDEX", "0")]),
            "--shard=auto: JOB_COMPLETION_INDEX is set and SAFECP_SHARDS is not"
        );
        let beyond = [("SLURM_ARRAY_TASK_MIN", "0"), ("SLURM_ARRAY_TASK_COUNT", "4"), ("SLURM_ARRAY_TASK_ID", "4")];
        assert_eq!(of(&beyond), "--shard=auto: SLURM_ARRAY_TASK_ID is 4, which is none of 4 from 0 on");
        assert!(of(&[("SLURM_PROCID", "x"), ("SLURM_NTASKS", "3")]).contains("no number: 'x'"));
    }
}
