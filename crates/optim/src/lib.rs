//! TaskSet's optimizer families: update rules, schedules, search spaces, the published list.
