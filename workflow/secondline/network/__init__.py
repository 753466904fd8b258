"""The treatment network: graph, connectivity, estimability, design matrices."""
