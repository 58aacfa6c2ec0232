"""nbgrader's view of this course: solutions/ is the source folder, assignments/ the release folder."""

from grader.source.notebook import NOT_SHIPPED

c = get_config()  # type: ignore[name-defined]  # noqa: F821

c.CourseDirectory.course_id = "trainlab"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "assignments"
# The text source and the bank of solutions lie beside the source notebook: they must never be released.
c.CourseDirectory.ignore = [*NOT_SHIPPED, "*.pyc", "feedback"]

# For nbgrader's own execution: unit 13 trains networks in its tests, and a shared machine is slow.
c.ExecutePreprocessor.timeout = 300

c.ClearSolutions.code_stub = {
    "python": (
        "# YOUR CODE HERE\n"
        "raise NotImplementedError(\n"
        '    "This exercise is not solved yet: replace these lines with your code, "\n'
        '    "then run this cell and the checks below it."\n'
        ")"
    )
}
c.ClearSolutions.text_stub = "*Your answer here: double-click this cell and write.*"

# Our engine in place of nbgrader's Execute, so that `nbgrader autograde` and formgrader's button are safe too; feedback
# without hidden tests; and a stranger's HTML inert in formgrader, where it could otherwise act as the instructor.
c.Autograde.autograde_preprocessors = [
    "grader.plugin.SafeExecute",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.GenerateFeedback.preprocessors = [
    "grader.plugin.HideTests",
    "nbgrader.preprocessors.GetGrades",
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
c.HTMLExporter.filters = {"markdown2html": "grader.plugin.clean_markdown"}
# formgrader knows what `grader release` has released, and does without nbgrader's exchange
c.ExchangeFactory.list = "grader.plugin.Released"
