resource 'mlform_data' 'a' {
  input = 'x'
}
