variable "rate" {}
