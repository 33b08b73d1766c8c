output "rows" {
  description = "Number of rows of the table that were kept."
  value       = dataset.this.rows
}

output "features" {
  description = "What the model gets, in order."
  value       = [for name in split.this.features : name if name != var.target]
}

output "model" {
  description = "The model, to evaluate or serve it elsewhere."
  value       = model.this
}

output "digest" {
  description = "Digest of the model."
  value       = model.this.digest
}

output "metrics" {
  description = "What the model reaches on the test partition."
  value       = evaluation.this.metrics
}

output "url" {
  description = "Where the model answers, or null."
  value       = one(endpoint.this[*].url)
}
