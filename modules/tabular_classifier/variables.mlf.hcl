# The data

variable "path" {
  type        = string
  description = "Table to learn from: a CSV, TSV, JSON lines or Parquet file. Give it as seen from the working folder, best as \"$${path.root}/data.csv\"."
  nullable    = false
}

variable "target" {
  type        = string
  description = "Column to predict: two or more classes."
  nullable    = false
}

variable "columns" {
  type        = list(string)
  description = "Columns to keep, the target among them; all of them if null."
  default     = null

  validation {
    condition     = var.columns == null || contains(coalesce(var.columns, []), var.target)
    error_message = "The target \"${var.target}\" has to be one of the columns."
  }
}

variable "where" {
  type        = string
  description = "Rows to keep, as an SQL predicate; all of them if null."
  default     = null
}

variable "schema" {
  type = map(object({
    type     = optional(string)
    nullable = optional(bool, true)
    min      = optional(number)
    max      = optional(number)
    pattern  = optional(string)
    unique   = optional(bool, false)
  }))
  description = "What columns have to be like, by name, such as { age = { type = \"int64\", min = 0 } }."
  default     = {}
  nullable    = false
}

# From columns to features

variable "numeric" {
  type        = list(string)
  description = "Columns whose missing numbers are filled with the median, and which are then standardized."
  default     = []
  nullable    = false

  validation {
    condition     = !contains(var.numeric, var.target)
    error_message = "The target \"${var.target}\" is no feature. Take it out of numeric."
  }
}

variable "categorical" {
  type        = list(string)
  description = "Columns that become one feature for each value."
  default     = []
  nullable    = false

  validation {
    condition     = length(setintersection(var.numeric, var.categorical)) == 0
    error_message = "Columns are numeric or categorical, not both: ${join(", ", setintersection(var.numeric, var.categorical))}."
  }

  validation {
    condition     = !contains(var.categorical, var.target)
    error_message = "The target \"${var.target}\" is no feature. Take it out of categorical."
  }
}

variable "drop" {
  type        = list(string)
  description = "Columns that are no features, such as identifiers."
  default     = []
  nullable    = false

  validation {
    condition     = length(setintersection(var.drop, concat(var.numeric, var.categorical))) == 0
    error_message = "Columns that are dropped are not transformed: ${join(", ", setintersection(var.drop, concat(var.numeric, var.categorical)))}."
  }

  validation {
    condition     = !contains(var.drop, var.target)
    error_message = "The target \"${var.target}\" cannot be dropped."
  }
}

variable "partitions" {
  type = object({
    train = optional(number, 0.6)
    valid = optional(number, 0.2)
    test  = optional(number, 0.2)
  })
  description = "Shares of the rows: to learn from, to stop by, to judge by."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for share in values(var.partitions) : share > 0])
    error_message = "Every share has to be greater than 0."
  }

  validation {
    condition     = abs(sum(values(var.partitions)) - 1) < 0.000001
    error_message = "The shares have to sum to 1, and sum to ${format("%.7g", sum(values(var.partitions)))}."
  }
}

variable "seed" {
  type        = number
  description = "Of the split and of the training."
  default     = 0
  nullable    = false

  validation {
    condition     = var.seed >= 0 && floor(var.seed) == var.seed
    error_message = "The seed has to be a whole number of at least 0, not ${var.seed}."
  }
}

# The model

variable "rounds" {
  type        = number
  description = "Trees to grow at most."
  default     = 200
  nullable    = false

  validation {
    condition     = var.rounds >= 1 && floor(var.rounds) == var.rounds
    error_message = "The number of rounds has to be a whole number of at least 1, not ${var.rounds}."
  }
}

variable "params" {
  type        = any # not map(any), which would make the values all of one type
  description = "Parameters of XGBoost, such as { max_depth = 4 }."
  default     = {}
  nullable    = false

  validation {
    condition     = can(keys(var.params))
    error_message = "The parameters are given by name, such as { max_depth = 4 }."
  }
}

variable "patience" {
  type        = number
  description = "Rounds without a better result on the valid partition after which training stops."
  default     = 20
  nullable    = false

  validation {
    condition     = var.patience >= 1 && floor(var.patience) == var.patience
    error_message = "The patience has to be a whole number of at least 1, not ${var.patience}."
  }
}

# What it has to reach, and where it answers

variable "metrics" {
  type        = list(string)
  description = "Metrics on the test partition."
  default     = ["accuracy", "log_loss"]
  nullable    = false
}

variable "gates" {
  type = map(object({
    min = optional(number)
    max = optional(number)
  }))
  description = "What a model has to reach to be served, by metric, such as { accuracy = { min = 0.9 } }."
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for gate in values(var.gates) : gate.min != null || gate.max != null])
    error_message = "Every gate needs a min or a max."
  }

  validation {
    condition     = alltrue([for gate in values(var.gates) : try(gate.min <= gate.max, true)])
    error_message = "No figure passes a gate whose min is greater than its max."
  }

  validation {
    condition     = length(setsubtract(keys(var.gates), var.metrics)) == 0
    error_message = "Gates are about metrics that are computed. Add to metrics: ${join(", ", setsubtract(keys(var.gates), var.metrics))}."
  }
}

variable "serve" {
  type = object({
    port = number
    host = optional(string)
  })
  description = "Where the model answers, such as { port = 8080 }; it is not served if null."
  default     = null
}
