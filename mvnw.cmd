@echo off
rem Calls the Maven on the PATH with a JDK >= 25, wherever the machine keeps one.
rem With --print-java-home it only says which one that is.
rem Paths are handed over in variables: "call" would double carets, and a parenthesis in
rem "Program Files (x86)" would end a block.
setlocal EnableExtensions DisableDelayedExpansion
set "FOUND="
if not defined JAVA_HOME goto compilers
rem Some set it with quotes.
set "CANDIDATE=%JAVA_HOME:"=%"
call :try
:compilers
if defined FOUND goto found
for /f "delims=" %%J in ('where $PATH:javac.exe 2^>nul') do for %%B in ("%%~dpJ..") do (
    set "CANDIDATE=%%~fB"
    call :try
)
if defined FOUND goto found
for /d %%D in ("%ProgramFiles%\Java\*" "%ProgramFiles%\Eclipse Adoptium\*" "%ProgramFiles%\Microsoft\*" "%ProgramFiles%\Zulu\*" "%ProgramFiles%\Amazon Corretto\*" "%ProgramFiles%\BellSoft\*" "%LOCALAPPDATA%\Programs\Eclipse Adoptium\*" "%USERPROFILE%\.jdks\*") do (
    set "CANDIDATE=%%~fD"
    call :try
)
if defined FOUND goto found
echo No JDK 25 or newer was found in JAVA_HOME, on the PATH or in the usual folders; install one, for example Eclipse Temurin 25, and set JAVA_HOME to it. 1>&2
exit /b 1

:found
if "%~1"=="--print-java-home" goto print
where mvn >nul 2>nul
if errorlevel 1 goto nomaven
set "JAVA_HOME=%FOUND%"
rem Maven's own libraries still use Unsafe and JNI; their warnings are not about this build.
set "MAVEN_OPTS=--sun-misc-unsafe-memory-access=allow --enable-native-access=ALL-UNNAMED %MAVEN_OPTS%"
call mvn %*
exit /b %ERRORLEVEL%

:nomaven
echo No mvn is on the PATH; install Maven 3.8 or newer. 1>&2
exit /b 1

:print
rem Delayed, so that no character of the path is taken for syntax.
setlocal EnableDelayedExpansion
echo(!FOUND!
exit /b 0

:try
if defined FOUND exit /b 0
if not exist "%CANDIDATE%\bin\javac.exe" exit /b 0
if not exist "%CANDIDATE%\release" exit /b 0
rem A line such as JAVA_VERSION="25.0.1"; early releases say "25-ea".
for /f "usebackq tokens=1,2 delims==" %%K in ("%CANDIDATE%\release") do if "%%K"=="JAVA_VERSION" for /f "delims=.-+_" %%M in ("%%~L") do if %%M GEQ 25 set "FOUND=%CANDIDATE%"
exit /b 0
