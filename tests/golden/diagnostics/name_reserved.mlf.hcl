variable "count" {
}

variable "source" {
}
