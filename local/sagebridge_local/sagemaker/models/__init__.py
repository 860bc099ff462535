"""Models: CreateModel, DescribeModel, ListModels, DeleteModel."""
