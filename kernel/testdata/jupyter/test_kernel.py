"""Every test of jupyter_kernel_test, with all of its knobs set."""
import unittest

import jupyter_kernel_test as jkt


class SpindleTests(jkt.KernelTests):
    kernel_name = "spindle"
    language_name = "go"
    file_extension = ".go"

    code_hello_world = 'import "fmt"\nfmt.Println("hello, world")'
    code_stderr = 'import "os"\nfmt.Fprintln(os.Stderr, "to stderr")'
    completion_samples = [
        {"text": 'import "strings"\nstrings.ToUp', "matches": {"ToUpper", "ToUpperSpecial"}},
        {"text": "fallth", "matches": {"fallthrough"}},
    ]
    complete_code_samples = ["x := 1", "func f() int {\n\treturn 1\n}", "1 + 2", "%help"]
    incomplete_code_samples = ["func f() {", "x := []int{1,", "1 +", "`raw"]
    invalid_code_samples = ["func )", "x := := 1", "}"]
    code_page_something = "%doc fmt.Println"
    code_generate_error = 'panic("on purpose")'
    code_execute_result = [
        {"code": "1 + 2", "result": "3"},
        {"code": "6 * 7", "result": "42"},
        {"code": 'len("four")', "result": "4"},
    ]
    code_display_data = [
        {"code": 'import "spindle/display"\ndisplay.HTML("<b>bold</b>")', "mime": "text/html"},
        {"code": 'display.Markdown("**bold**")', "mime": "text/markdown"},
        {"code": 'display.SVG("<svg xmlns=\'http://www.w3.org/2000/svg\'/>")', "mime": "image/svg+xml"},
    ]
    code_history_pattern = "6 ?*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = 'import "fmt"\nfmt.Println'
    code_clear_output = "display.ClearOutput(false)"


class SpindleWelcomeTests(jkt.IopubWelcomeTests):
    kernel_name = "spindle"
    support_iopub_welcome = True


if __name__ == "__main__":
    unittest.main()
