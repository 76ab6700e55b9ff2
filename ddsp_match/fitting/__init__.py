"""From a target to the numbers that play it: first guess, optimisation, identification of effects."""
