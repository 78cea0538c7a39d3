"""What several people's votes say: of one another (agreement), of the product (consensus), of themselves (quality)."""
