"""Processing: from a claimed task to a settled one."""
