"""What peers share: how their figures are taken, and what they queue on."""
