"""The models, how they are sampled, and the exact engine that checks them."""
