"""Several servers on one database: who is there, who processes which connector, and how they hear of one another."""
