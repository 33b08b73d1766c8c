# What is planned for which variables. Nothing is read, trained or served.

variables {
  path   = "table.csv"
  target = "species"
}

mock_resource "dataset" {
  defaults = {
    columns = ["petal_length", "colour", "id", "species"]
  }
}

run "a_path_and_a_target_are_enough" {
  command = plan

  assert {
    condition     = endpoint.this == null && output.url == null
    error_message = "Without serve there is no endpoint."
  }

  assert {
    condition     = split.this.ratio.partitions == tomap({ test = 0.2, train = 0.6, valid = 0.2 })
    error_message = "The partitions are not those promised."
  }

  assert {
    condition     = length(split.this.transform) == 0
    error_message = "Columns are transformed that nobody named."
  }
}

run "transforms_follow_the_columns" {
  command = plan

  variables {
    numeric     = ["petal_length"]
    categorical = ["colour"]
    drop        = ["id"]
  }

  assert {
    condition     = split.this.transform[*].op == ["drop", "impute", "standardize", "one_hot"]
    error_message = "The transforms are ${join(", ", split.this.transform[*].op)}."
  }
}

run "parameters_keep_their_types" {
  command = plan

  variables {
    params = { booster = "gbtree", max_depth = 4, monotone_constraints = [1] }
  }

  assert {
    condition     = model.this.algorithm.params == { booster = "gbtree", max_depth = 4, monotone_constraints = [1] }
    error_message = "XGBoost would get ${jsonencode(model.this.algorithm.params)}."
  }
}

run "gates_and_the_endpoint" {
  command = plan

  variables {
    gates = { accuracy = { min = 0.9 }, log_loss = { max = 0.5 } }
    serve = { port = 8080 }
  }

  assert {
    condition     = { for gate in evaluation.this.gate : gate.metric => [gate.min, gate.max] } == { accuracy = [0.9, null], log_loss = [null, 0.5] }
    error_message = "The gates are not those given."
  }

  assert {
    condition     = endpoint.this.port == 8080
    error_message = "The endpoint is not where it was asked for."
  }
}

# What is refused

run "the_target_is_one_of_the_columns" {
  command = plan

  variables {
    columns = ["petal_length"]
  }

  expect_failures = [var.columns]
}

run "the_target_is_not_scaled" {
  command = plan

  variables {
    numeric = ["species"]
  }

  expect_failures = [var.numeric]
}

run "the_target_is_not_encoded" {
  command = plan

  variables {
    categorical = ["species"]
  }

  expect_failures = [var.categorical]
}

run "the_target_is_not_dropped" {
  command = plan

  variables {
    drop = ["species"]
  }

  expect_failures = [var.drop]
}

run "what_is_dropped_is_not_transformed" {
  command = plan

  variables {
    numeric = ["petal_length"]
    drop    = ["petal_length"]
  }

  expect_failures = [var.drop]
}

run "a_column_is_numeric_or_categorical" {
  command = plan

  variables {
    numeric     = ["petal_length"]
    categorical = ["petal_length"]
  }

  expect_failures = [var.categorical]
}

run "shares_sum_to_one" {
  command = plan

  variables {
    partitions = { train = 0.9 }
  }

  expect_failures = [var.partitions]
}

run "no_share_is_empty" {
  command = plan

  variables {
    partitions = { train = 0.8, valid = 0 }
  }

  expect_failures = [var.partitions]
}

run "the_seed_is_whole" {
  command = plan

  variables {
    seed = 1.5
  }

  expect_failures = [var.seed]
}

run "rounds_are_whole" {
  command = plan

  variables {
    rounds = 1.5
  }

  expect_failures = [var.rounds]
}

run "parameters_have_names" {
  command = plan

  variables {
    params = ["max_depth"]
  }

  expect_failures = [var.params]
}

run "patience_is_at_least_one_round" {
  command = plan

  variables {
    patience = 0
  }

  expect_failures = [var.patience]
}

run "gates_are_about_metrics_that_are_taken" {
  command = plan

  variables {
    gates = { f1 = { min = 0.5 } }
  }

  expect_failures = [var.gates]
}

run "a_gate_says_something" {
  command = plan

  variables {
    gates = { accuracy = {} }
  }

  expect_failures = [var.gates]
}

run "a_gate_can_be_passed" {
  command = plan

  variables {
    gates = { accuracy = { min = 0.9, max = 0.5 } }
  }

  expect_failures = [var.gates]
}
