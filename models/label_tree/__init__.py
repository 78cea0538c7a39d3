"""A tree over the categories with a linear matcher in each node, after PECOS XR-Linear: thousands of leaves."""
