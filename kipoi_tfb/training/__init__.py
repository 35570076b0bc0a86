"""From a configuration and a matrix to a trained network and its entry."""
