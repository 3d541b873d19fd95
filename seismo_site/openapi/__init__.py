"""The OpenAPI document: its introduction, summaries of operations, and descriptions and examples of fields."""
